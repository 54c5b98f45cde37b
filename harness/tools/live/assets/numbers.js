// Sorts and filters the tables of points: all of what they have is on the page. What
// was asked for holds when the server sends other numbers, whose order is the plan's.
'use strict';
(() => {
  const asked = new Map(); // table, by the name of its region → {column, down, words}

  const tables = () => [...document.querySelectorAll('table.numbers')];
  const nameOf = table => table.closest('[role=region]').getAttribute('aria-label');
  const inputOf = table => {
    const before = table.closest('[role=region]').previousElementSibling;
    return before && before.querySelector('input[data-points]');
  };
  const headings = table => [...table.tHead.rows[0].cells];
  const title = th => (th.querySelector('button') || th).firstChild.textContent.trim(); // without the unit

  // value is what a cell is sorted by: the number before its interval, or its text.
  function value(row, column, kind) {
    const text = row.cells[column].firstChild ? row.cells[column].firstChild.textContent.trim() : '';
    if (kind !== 'number') return text;
    const number = parseFloat(text);
    return Number.isFinite(number) ? number : null;
  }

  function apply(table) {
    const want = asked.get(nameOf(table));
    const heads = headings(table);
    for (const th of heads) {
      if (!th.dataset.sort) continue;
      const by = want && want.column === title(th);
      if (by) th.setAttribute('aria-sort', want.down ? 'descending' : 'ascending');
      else th.removeAttribute('aria-sort');
    }
    const body = table.tBodies[0], rows = [...body.rows];
    rows.forEach((row, i) => { row.place = i; });
    const column = want ? heads.findIndex(th => th.dataset.sort && title(th) === want.column) : -1;
    if (column >= 0) {
      const kind = heads[column].dataset.sort, sign = want.down ? -1 : 1;
      const keys = new Map(rows.map(row => [row, value(row, column, kind)]));
      rows.sort((a, b) => {
        const x = keys.get(a), y = keys.get(b);
        if (x === null || y === null) return (x === null) - (y === null) || a.place - b.place; // without a value last
        const order = kind === 'number' ? x - y : x.localeCompare(y, undefined, {numeric: true});
        return sign * order || a.place - b.place;
      });
      body.append(...rows);
    }
    filter(table);
  }

  // filter hides the rows that lack a word of what is typed; key=value is a whole word.
  function filter(table) {
    const input = inputOf(table);
    if (!input) return;
    const words = input.value.toLowerCase().split(/[\s,]+/).filter(w => w);
    let shown = 0, all = 0;
    for (const row of table.tBodies[0].rows) {
      const name = row.cells[0].textContent.toLowerCase(), parts = name.split(/\s+/), rest = row.textContent.toLowerCase();
      const fits = words.every(w => w.includes('=') ? parts.some(p => p === w || p.endsWith('.' + w) || w.endsWith('.' + p)) : rest.includes(w));
      row.hidden = !fits;
      all++;
      shown += fits;
    }
    const found = words.length ? `${shown} of ${all} points` : '', place = input.parentElement.querySelector('.found');
    if (place.textContent !== found) place.textContent = found;
  }

  document.addEventListener('click', e => {
    const th = e.target.closest('table.numbers th[data-sort]');
    if (!th || !e.target.closest('button')) return;
    const table = th.closest('table'), name = nameOf(table), was = asked.get(name), column = title(th);
    const first = th.dataset.better > 0; // from its better end
    const down = was && was.column === column ? !was.down : first;
    asked.set(name, {column, down});
    apply(table);
    const again = headings(table).find(h => title(h) === column);
    if (again) again.querySelector('button').focus();
  });
  document.addEventListener('input', e => {
    if (!e.target.matches('input[data-points]')) return;
    for (const table of tables()) if (inputOf(table) === e.target) filter(table);
  });
  document.addEventListener('updated', e => {
    if (e.detail === 'numbers') tables().forEach(apply);
  });
  tables().forEach(apply);
})();
