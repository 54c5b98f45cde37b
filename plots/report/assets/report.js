// Sorting, the filter, groups of columns, tooltips, and where each number comes
// from. Nothing here loads anything.
'use strict';
(() => {
  document.documentElement.classList.add('js');
  const known = JSON.parse(document.getElementById('provenance').textContent);
  const natural = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

  // ---- sorting: numbers as numbers, what has no value last either way
  function sortable(table) {
    const body = table.tBodies[0], plan = [...body.rows], heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => head.querySelector('button').addEventListener('click', () => {
      const now = head.getAttribute('aria-sort');
      const next = now === 'none' ? 'ascending' : now === 'ascending' ? 'descending' : 'none';
      heads.forEach(h => h.setAttribute('aria-sort', 'none'));
      head.setAttribute('aria-sort', next);
      body.append(...(next === 'none' ? plan : sorted(plan, column, next === 'ascending' ? 1 : -1, head.dataset.metric !== undefined)));
    }));
  }

  function sorted(rows, column, sign, numbers) {
    const of = row => numbers ? row.cells[column].dataset.v : row.cells[column].textContent.trim();
    const keyed = rows.map((row, i) => ({ row, i, v: of(row) }));
    keyed.sort((a, b) => {
      const gone = v => v === undefined || v === '';
      if (gone(a.v) || gone(b.v)) return gone(a.v) - gone(b.v) || a.i - b.i;
      const order = numbers ? a.v - b.v : natural.compare(a.v, b.v);
      return sign * order || a.i - b.i;
    });
    return keyed.map(k => k.row);
  }

  // ---- which columns are shown
  const shown = new CSSStyleSheet(), groups = new Map();
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, shown];

  function show(article, group) {
    groups.set(article, group);
    const rules = [];
    for (const [a, g] of groups) {
      for (const table of a.querySelectorAll('table.sortable')) {
        [...table.tHead.rows[0].cells].forEach((head, i) => {
          const in_ = head.dataset.group.split(' ');
          if (g !== 'all' && !in_.includes('name') && !in_.includes(g)) rules.push(`#${table.id} tr > :nth-child(${i + 1}) { display: none }`);
        });
      }
    }
    shown.replaceSync(rules.join('\n'));
    for (const b of article.querySelectorAll('[data-show]')) b.setAttribute('aria-pressed', b.dataset.show === group);
  }

  // ---- the filter: every word has to be found
  function filter(article, text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = e => words.every(w => e.dataset.find.includes(w));
    const said = [];
    for (const table of article.querySelectorAll('table.sortable')) {
      let n = 0;
      for (const row of table.tBodies[0].rows) {
        row.hidden = !fits(row);
        n += !row.hidden;
      }
      said.push(`${n} of ${table.tBodies[0].rows.length} ${table.id.endsWith('points') ? 'points' : 'cells'}`);
    }
    for (const e of article.querySelectorAll('.samples > li')) e.hidden = !fits(e);
    for (const e of article.querySelectorAll('.marks > .mark')) e.classList.toggle('faded', !fits(e));
    article.querySelector('.hits').textContent = words.length ? said.join(', ') : '';
  }

  // ---- tooltips of charts
  const tip = document.getElementById('tip');
  let near = null;

  function say(mark, x, y) {
    if (near !== mark) {
      if (near) near.classList.remove('near');
      near = mark;
      if (mark) mark.classList.add('near');
    }
    tip.hidden = !mark;
    if (!mark) return;
    tip.textContent = mark.getAttribute('aria-label');
    const width = document.documentElement.clientWidth, box = tip.getBoundingClientRect();
    tip.style.left = scrollX + Math.max(8, Math.min(x + 14, width - box.width - 8)) + 'px';
    tip.style.top = scrollY + (y - box.height - 12 > 0 ? y - box.height - 12 : y + 16) + 'px';
  }

  function chart(figure) {
    const svg = figure.querySelector('svg'), marks = [...svg.querySelectorAll('.marks > .mark')];
    if (!marks.length) return;
    const spots = marks.map(m => m.dataset.x !== undefined ? [[+m.dataset.x, +m.dataset.y]]
      : m.getAttribute('points').split(' ').map(p => p.split(',').map(Number)));
    const place = (x, y) => new DOMPoint(x, y).matrixTransform(svg.getScreenCTM());
    function nearest(event) {
      const to = svg.getScreenCTM(), at = new DOMPoint(event.clientX, event.clientY).matrixTransform(to.inverse());
      let best = null, least = 26 / to.a;
      marks.forEach((m, i) => {
        if (m.classList.contains('faded')) return;
        for (const [x, y] of spots[i]) {
          const d = Math.hypot(x - at.x, y - at.y);
          if (d < least) { least = d; best = m; }
        }
      });
      return best;
    }
    svg.addEventListener('pointermove', e => say(nearest(e), e.clientX, e.clientY));
    svg.addEventListener('pointerleave', () => say(document.activeElement === near ? near : null));
    svg.addEventListener('click', e => {
      const m = nearest(e);
      if (m && e.pointerType === 'touch' && near !== m) say(m, e.clientX, e.clientY);
      else if (m) origin(m.dataset.row);
    });
    // One stop of the Tab key for the chart; arrows go from mark to mark.
    marks[0].tabIndex = 0;
    marks.forEach((m, i) => {
      m.addEventListener('focus', () => {
        const [x, y] = spots[i][spots[i].length - 1], at = place(x, y);
        say(m, at.x, at.y);
      });
      m.addEventListener('blur', () => say(null));
      m.addEventListener('keydown', e => {
        const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[e.key];
        if (step) {
          const next = marks[(i + step + marks.length) % marks.length];
          m.tabIndex = -1;
          next.tabIndex = 0;
          next.focus();
        } else if (e.key === 'Enter' || e.key === ' ') {
          origin(m.dataset.row);
        } else if (e.key === 'Escape') {
          say(null);
        } else {
          return;
        }
        e.preventDefault();
      });
    });
  }

  // ---- where numbers come from
  const dialog = document.getElementById('origin'), body = document.getElementById('origin-body');

  function element(name, text, ...children) {
    const e = document.createElement(name);
    if (text !== undefined && text !== null) e.textContent = text;
    e.append(...children);
    return e;
  }

  const digits = v => String(Number(v.toPrecision(6)));

  // origin shows all values of a row, together where they come from the same attempts.
  function origin(id, asked) {
    const row = document.getElementById(id), from = known.rows[id];
    if (!row || !from) return;
    document.getElementById('origin-title').textContent = row.cells[0].textContent + ', ' + row.closest('table').tHead.rows[0].cells[1].textContent + ' ' + row.cells[1].textContent;
    const parts = new Map();
    for (const v of from) {
      const name = JSON.stringify([v[9], v[6], v[7], v[8]]);
      if (!parts.has(name)) parts.set(name, []);
      parts.get(name).push(v);
    }
    body.replaceChildren();
    let found = null;
    for (const values of parts.values()) {
      const [, , , , , , protocol, code, device, attempts] = values[0], about = known.attempts[attempts[0]];
      body.append(element('h3', about.length > 1 ? known.texts[about[1]] : 'values'));
      for (const at of attempts) {
        const a = known.attempts[at];
        const p = element('p', 'attempt ', element('code', a[0]));
        if (a.length > 1) p.append(`, ${known.texts[a[5]] ?? a[5]} to ${a[6]}, on ${known.texts[a[3]]} (${known.texts[a[4]]}), stage `, element('code', a[7]));
        body.append(p);
      }
      body.append(element('p', 'revision ', element('code', known.texts[code]), `, ${known.texts[device]}`));
      body.append(element('p', 'protocol ', element('code', known.texts[protocol] || 'none stated')));
      const rows = values.map(v => {
        const [name, called, unit] = known.metrics[v[0]];
        const interval = v[2] === null || v[3] === null ? '' : `[${digits(v[2])}, ${digits(v[3])}] ${known.texts[v[5]]}`;
        const tr = element('tr', null, element('th', name), element('td', digits(v[1]) + (unit ? ' ' + unit : '')), element('td', interval), element('td', String(v[4])));
        tr.cells[0].scope = 'row';
        tr.cells[0].title = called;
        if (name === asked) { tr.className = 'asked'; found = tr; }
        return tr;
      });
      const head = element('tr', null, ...['metric', 'value', 'interval', 'n'].map(t => element('th', t)));
      for (const h of head.cells) h.scope = 'col';
      body.append(element('table', null, element('thead', null, head), element('tbody', null, ...rows)));
    }
    if (!from.length) body.append(element('p', 'There are no values: ' + row.dataset.find));
    for (const r of document.querySelectorAll('tr.chosen')) r.classList.remove('chosen');
    row.classList.add('chosen');
    say(null);
    dialog.showModal();
    body.scrollTop = 0;
    if (found) found.scrollIntoView({ block: 'center' });
  }

  dialog.addEventListener('click', e => { if (e.target === dialog) dialog.close(); });

  for (const table of document.querySelectorAll('table.sortable')) {
    sortable(table);
    table.tBodies[0].addEventListener('click', e => {
      const cell = e.target.closest('td, th');
      if (!cell || String(getSelection()) !== '') return;
      origin(cell.parentElement.id, table.tHead.rows[0].cells[cell.cellIndex].dataset.metric);
    });
  }
  for (const article of document.querySelectorAll('article')) {
    const tools = article.querySelector('.tools');
    tools.hidden = false;
    tools.querySelector('input').addEventListener('input', e => filter(article, e.target.value));
    for (const b of article.querySelectorAll('[data-show]')) b.addEventListener('click', () => show(article, b.dataset.show));
    show(article, article.querySelector('th[data-group~=main]') ? 'main' : 'all');
  }
  document.querySelectorAll('figure.chart').forEach(chart);
  addEventListener('keydown', e => { if (e.key === 'Escape') say(null); });
})();
