// What pages gain where scripts run: buttons that copy, and the focus on what was wrong. Nothing needs it.
(function () {
  'use strict';
  document.querySelectorAll('[data-copy]').forEach(function (button) {
    if (!navigator.clipboard) return;
    var label = button.innerHTML;
    button.hidden = false;
    button.addEventListener('click', function () {
      navigator.clipboard.writeText(button.dataset.copy).then(function () {
        button.textContent = 'Copied';
        setTimeout(function () { button.innerHTML = label; }, 2000);
      });
    });
  });
  document.querySelectorAll('form[data-check]').forEach(function (form) {
    var names = ['destination', 'code'], waiting, asked = 0, told = null, seen = {};
    function values() {
      var query = new URLSearchParams();
      names.forEach(function (name) { query.set(name, form.elements[name].value.trim()); });
      return query;
    }
    function answer(query, then) {
      fetch(form.dataset.check + '?' + query, { credentials: 'same-origin' }).then(function (answer) {
        return answer.ok ? answer.json() : null;
      }).then(function (found) { if (found) then(found); }, function () {});
    }
    function show() {
      names.forEach(function (name) {
        var note = document.getElementById('n-' + name), wrong = told.problems[name];
        var page = name === 'destination' && !wrong && seen[form.elements.destination.value.trim()];
        note.textContent = wrong || (told.notes[name] || '') + (page ? '. ' + page.text : '');
        note.classList.toggle('bad', Boolean(wrong));
        note.classList.toggle('doubt', Boolean(page && !page.is_fine));
      });
    }
    function ask() {
      var mine = ++asked;
      answer(values(), function (found) { if (mine === asked) { told = found; show(); } });
    }
    function look() {
      var query = values(), url = query.get('destination');
      if (!url || url in seen) return;
      query.set('look', 'yes');
      answer(query, function (found) {
        seen[url] = found.looked;
        told = told || found;
        show();
      });
    }
    names.forEach(function (name) {
      form.elements[name].addEventListener('input', function () {
        clearTimeout(waiting);
        waiting = setTimeout(ask, 300);
      });
    });
    form.elements.destination.addEventListener('change', look);
  });
  var wrong = document.querySelector('[data-focus]');
  if (wrong) wrong.focus();
})();
