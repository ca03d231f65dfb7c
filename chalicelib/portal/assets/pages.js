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
  var wrong = document.querySelector('[data-focus]');
  if (wrong) wrong.focus();
})();
