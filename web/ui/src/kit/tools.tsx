// Icons that the meeting's page does without.

import { Drawing } from './icons.tsx';

const paths = {
  download: ['M12 4v10.5', 'm8 10.75 4 4 4-4', 'M5 19.5h14'],
  upload: ['M12 15V4.5', 'm8 8.25 4-4 4 4', 'M5 19.5h14'],
  network: ['M9.5 4.5h5v4h-5z', 'M4 15.5h5v4H4z', 'M15 15.5h5v4h-5z', 'M12 8.5V12', 'M6.5 15.5V12h11v3.5'],
  key: ['M8.5 18.5a4.25 4.25 0 1 0 0-8.5 4.25 4.25 0 0 0 0 8.5Z', 'm11.5 11.25 7.25-7.25', 'm15.5 7.25 3 3'],
  disk: ['M4.5 14h15v4a1.5 1.5 0 0 1-1.5 1.5H6A1.5 1.5 0 0 1 4.5 18v-4Z', 'm4.5 14 2.2-8a1.5 1.5 0 0 1 1.45-1.1h7.7A1.5 1.5 0 0 1 17.3 6l2.2 8', 'M16 16.75v.01'],
  list: ['M8.5 6.5H20', 'M8.5 12H20', 'M8.5 17.5H20', 'M4.5 6.5v.01', 'M4.5 12v.01', 'M4.5 17.5v.01'],
  history: ['M4.5 12a7.5 7.5 0 1 0 2.3-5.4', 'M4.5 3.75V8h4.25', 'M12 8v4.25l2.75 1.75'],
  home: ['m4 11.5 8-7 8 7', 'M6.5 9.5v9.25h11V9.5', 'M10 18.5v-5h4v5'],
  pulse: ['M3.5 12.5h4l2.25-6 4 11.5 2.5-7.5 1.25 2h3'],
  menu: ['M4.5 7h15', 'M4.5 12h15', 'M4.5 17h15'],
  globe: ['M12 20.25a8.25 8.25 0 1 0 0-16.5 8.25 8.25 0 0 0 0 16.5Z', 'M4 12h16', 'M12 4c2.4 2.2 3.5 4.9 3.5 8s-1.1 5.8-3.5 8c-2.4-2.2-3.5-4.9-3.5-8S9.6 6.2 12 4Z'],
  trash: ['M5 7h14', 'M9.5 7V4.75h5V7', 'M7 7l.75 12.5h8.5L17 7'],
} as const;

export type ToolName = keyof typeof paths;

export function Tool({ name, size = 22 }: { readonly name: ToolName; readonly size?: number }) {
  return <Drawing paths={paths[name]} size={size} />;
}
