// A drawn person in front of a camera, for screenshots: nobody's picture has to be in the tree, and
// every run looks the same. It nods a little, so that there are frames to send.

/** Runs inside a page by itself: everything it needs is in it. */
export function portrait(which: number, width: number, height: number): MediaStream {
  const people = [
    { wall: ['#cfe0da', '#8fb0a6'], lamp: '#fff6dc', skin: '#f0c6a4', shade: '#dca684', hair: '#4a2f22', cloth: '#2f6b5a', long: true },
    { wall: ['#d9d3e6', '#9d94ba'], lamp: '#ffeedd', skin: '#8a5a3e', shade: '#6f4530', hair: '#1d1716', cloth: '#d98e4a', long: false },
    { wall: ['#e9d8c9', '#c0987d'], lamp: '#fffaf0', skin: '#e2ae86', shade: '#c98f68', hair: '#1f1b22', cloth: '#3d5a8a', long: true },
    { wall: ['#cddbe8', '#8aa2bb'], lamp: '#fdf3da', skin: '#f3d0b5', shade: '#dfb092', hair: '#b9783c', cloth: '#7c3f58', long: false },
  ] as const;
  const p = people[which % people.length] ?? people[0];
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const c = canvas.getContext('2d');
  if (!c) throw new Error('no 2d context');
  const oval = (x: number, y: number, rx: number, ry: number, fill: string) => {
    c.fillStyle = fill;
    c.beginPath();
    c.ellipse(x, y, rx, ry, 0, 0, Math.PI * 2);
    c.fill();
  };
  const unit = height / 360;
  const draw = (time: number) => {
    c.setTransform(unit, 0, 0, unit, (width - 640 * unit) / 2, 0);
    const left = -(width / unit - 640) / 2;
    const wall = c.createLinearGradient(left, 0, 640 - left, 360);
    wall.addColorStop(0, p.wall[0]);
    wall.addColorStop(1, p.wall[1]);
    c.fillStyle = wall;
    c.fillRect(left, 0, 640 - 2 * left, 360);
    const glow = c.createRadialGradient(520, 70, 10, 520, 70, 220);
    glow.addColorStop(0, p.lamp);
    glow.addColorStop(1, `${p.lamp}00`);
    c.fillStyle = glow;
    c.fillRect(left, 0, 640 - 2 * left, 360);
    // A shelf with books, out of focus.
    c.globalAlpha = 0.35;
    for (const [i, h] of [52, 66, 44, 60, 70, 50].entries()) {
      c.fillStyle = i % 2 ? p.cloth : p.wall[0];
      c.fillRect(40 + i * 19, 150 - h, 15, h);
    }
    c.fillStyle = p.hair;
    c.fillRect(28, 150, 140, 7);
    c.globalAlpha = 1;

    const sway = Math.sin(time / 900 + which * 2) * 4;
    const nod = Math.sin(time / 620 + which) * 2.5;
    const x = 320 + sway;
    oval(x, 400, 172, 128, p.cloth);
    c.fillStyle = p.shade;
    c.beginPath();
    c.roundRect(x - 34, 212 + nod * 0.4, 68, 84, 30);
    c.fill();
    if (p.long) {
      oval(x, 176 + nod, 98, 112, p.hair);
      c.fillStyle = p.hair;
      c.beginPath();
      c.roundRect(x - 96, 170 + nod, 192, 116, 48);
      c.fill();
      c.fillStyle = p.shade;
      c.beginPath();
      c.roundRect(x - 32, 222 + nod * 0.4, 64, 76, 28);
      c.fill();
    } else {
      oval(x, 142 + nod, 84, 76, p.hair);
      oval(x - 76, 182 + nod, 13, 20, p.shade);
      oval(x + 76, 182 + nod, 13, 20, p.shade);
    }
    oval(x, 178 + nod, 74, 88, p.skin);
    // Hair over the forehead.
    c.fillStyle = p.hair;
    c.beginPath();
    c.moveTo(x - 78, 172 + nod);
    c.bezierCurveTo(x - 84, 70 + nod, x + 84, 70 + nod, x + 78, 172 + nod);
    c.bezierCurveTo(x + 62, 118 + nod, x + 4, 130 + nod, x - 20, 116 + nod);
    c.bezierCurveTo(x - 46, 128 + nod, x - 68, 140 + nod, x - 78, 172 + nod);
    c.fill();
    const shut = time % 3400 < 130;
    for (const side of [-1, 1]) {
      oval(x + side * 28, 184 + nod, 7, shut ? 1.2 : 8.5, '#26211f');
      c.strokeStyle = p.hair;
      c.lineWidth = 5;
      c.lineCap = 'round';
      c.beginPath();
      c.arc(x + side * 28, 184 + nod, 20, Math.PI * 1.28, Math.PI * 1.72);
      c.stroke();
      c.globalAlpha = 0.3;
      oval(x + side * 46, 212 + nod, 15, 9, '#e0705a');
      c.globalAlpha = 1;
    }
    c.strokeStyle = p.shade;
    c.lineWidth = 5;
    c.beginPath();
    c.arc(x, 196 + nod, 12, Math.PI * 0.25, Math.PI * 0.75);
    c.stroke();
    c.strokeStyle = '#7d3a33';
    c.beginPath();
    c.arc(x, 216 + nod, 24, Math.PI * 0.18, Math.PI * 0.82);
    c.stroke();
  };
  draw(0);
  setInterval(() => draw(performance.now()), 66);
  return canvas.captureStream(15);
}
