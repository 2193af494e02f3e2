import { Drawing } from '../../../kit/icons.tsx';

const paths = {
  record: ['M12 20.25a8.25 8.25 0 1 0 0-16.5 8.25 8.25 0 0 0 0 16.5Z', 'M12 14.75a2.75 2.75 0 1 0 0-5.5 2.75 2.75 0 0 0 0 5.5Z'],
  background: ['M4.5 4.5h15A1.5 1.5 0 0 1 21 6v12a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 18V6a1.5 1.5 0 0 1 1.5-1.5Z', 'M12 13a2.75 2.75 0 1 0 0-5.5A2.75 2.75 0 0 0 12 13Z', 'M6.75 19.25c.5-2.4 2.6-4 5.25-4s4.75 1.6 5.25 4'],
  quality: ['M4.5 17.75v-3', 'M9.5 17.75v-6', 'M14.5 17.75v-9', 'M19.5 17.75v-12'],
  pip: ['M4.5 5h15A1.5 1.5 0 0 1 21 6.5v11a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 17.5v-11A1.5 1.5 0 0 1 4.5 5Z', 'M12.5 12.25h5.25v3.75H12.5z'],
  full: ['M4 9V5.5A1.5 1.5 0 0 1 5.5 4H9', 'M15 4h3.5A1.5 1.5 0 0 1 20 5.5V9', 'M20 15v3.5a1.5 1.5 0 0 1-1.5 1.5H15', 'M9 20H5.5A1.5 1.5 0 0 1 4 18.5V15'],
} as const;

export function MediaIcon({ name, size = 20 }: { readonly name: keyof typeof paths; readonly size?: number }) {
  return <Drawing paths={paths[name]} size={size} />;
}
