// Moves the predictive values with the prevalence (Bayes' theorem). Without this script they stand at the plan's prevalence.
const box = document.querySelector('.slider'), range = box.querySelector('input'), output = box.querySelector('output');
const low = +range.dataset.low, high = +range.dataset.high, steps = +range.max;
const percent = share => share >= 0.9995 ? 'more than 99.9 %' : share < 0.0005 ? 'less than 0.1 %' : share >= 0.0995 && share < 0.9 ? (100 * share).toFixed(0) + ' %' : (100 * share).toFixed(1) + ' %';
const stated = share => +(100 * share).toFixed(2) + ' %';
const put = (row, cell, words) => row.querySelector(`[data-cell=${cell}]`).textContent = words;
function show(p) {
  output.textContent = stated(p);
  document.querySelector('span[data-cell=prevalence]').textContent = stated(p);
  for (const row of document.querySelectorAll('tr[data-sensitivity]')) {
    const hit = row.dataset.sensitivity * p, miss = p - hit, right = row.dataset.specificity * (1 - p), wrong = 1 - p - right;
    put(row, 'positive', hit + wrong > 0 ? percent(hit / (hit + wrong)) : '–');
    put(row, 'negative', right + miss > 0 ? percent(right / (right + miss)) : '–');
    put(row, 'flagged', (1000 * (hit + wrong)).toFixed(0));
    put(row, 'missed', (1000 * miss).toFixed(0));
  }
}
box.hidden = false;
range.addEventListener('input', () => show(low * Math.pow(high / low, range.value / steps)));
for (const button of box.querySelectorAll('button')) {
  button.addEventListener('click', () => {
    const p = +button.dataset.prevalence;
    range.value = steps * Math.log(Math.min(Math.max(p, low), high) / low) / Math.log(high / low);
    show(p);
  });
}

// Paper cannot be clicked: print what is folded.
addEventListener('beforeprint', () => document.querySelectorAll('details').forEach(it => it.open = true));
