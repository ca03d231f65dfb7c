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
    var names = ['destination', 'code'], waiting, asked = 0;
    function ask(look) {
      var query = new URLSearchParams(look ? { look: 'yes' } : {});
      names.forEach(function (name) { query.set(name, form.elements[name].value.trim()); });
      var mine = ++asked;
      fetch(form.dataset.check + '?' + query, { credentials: 'same-origin' }).then(function (answer) {
        return answer.ok ? answer.json() : null;
      }).then(function (told) {
        if (!told || mine !== asked) return;
        names.forEach(function (name) {
          var note = document.getElementById('n-' + name);
          var doubt = told.doubts[name] ? '. ' + told.doubts[name] + ' You can make the link all the same.' : '';
          note.textContent = told.problems[name] || (told.notes[name] || '') + doubt;
          note.classList.toggle('bad', name in told.problems);
          note.classList.toggle('doubt', name in told.doubts);
        });
      }, function () {});
    }
    names.forEach(function (name) {
      form.elements[name].addEventListener('input', function () {
        clearTimeout(waiting);
        waiting = setTimeout(ask, 300);
      });
    });
    form.elements.destination.addEventListener('change', function () {
      clearTimeout(waiting);
      ask(true);
    });
  });
  var wrong = document.querySelector('[data-focus]');
  if (wrong) wrong.focus();
})();
