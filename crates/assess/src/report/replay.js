// Replays a drawing: each path carries the second it was begun. Long drawings are shortened to twelve seconds.
for (const button of document.querySelectorAll('button[data-replay]')) {
  button.addEventListener('click', () => {
    const paths = [...document.querySelectorAll('#' + button.dataset.replay + ' [data-t]')];
    const last = Math.max(...paths.map(path => +path.dataset.t), 0.001);
    const pace = Math.max(1, last / 12);
    paths.forEach(path => path.style.visibility = 'hidden');
    const began = performance.now();
    const frame = now => {
      const t = (now - began) / 1000 * pace;
      paths.forEach(path => { if (+path.dataset.t <= t) path.style.visibility = ''; });
      if (t <= last) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
}

// Paper cannot be clicked: print every measure.
addEventListener('beforeprint', () => document.querySelectorAll('details').forEach(it => it.open = true));
