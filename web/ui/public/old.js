// For browsers that cannot run the page at all: it must not stay empty. Written for those, so in the
// oldest JavaScript there is. The page's own script replaces the text's place as soon as it runs.
window.addEventListener('load', function () {
  setTimeout(function () {
    var place = document.getElementById('app');
    if (!place || place.firstChild) return;
    var texts = {
      en: 'This browser is too old for meetings here. Please use a current Firefox, Chrome, Edge or Safari.',
      de: 'Dieser Browser ist zu alt für Besprechungen hier. Bitte nimm ein aktuelles Firefox, Chrome, Edge oder Safari.',
      fr: 'Ce navigateur est trop ancien pour les réunions ici. Utilisez une version actuelle de Firefox, Chrome, Edge ou Safari.',
      es: 'Este navegador es demasiado antiguo para las reuniones. Usa una versión actual de Firefox, Chrome, Edge o Safari.',
      it: 'Questo browser è troppo vecchio per le riunioni. Usa una versione attuale di Firefox, Chrome, Edge o Safari.',
      nl: 'Deze browser is te oud voor vergaderingen hier. Gebruik een actuele Firefox, Chrome, Edge of Safari.',
      pl: 'Ta przeglądarka jest za stara na spotkania. Użyj aktualnej wersji Firefox, Chrome, Edge lub Safari.',
      pt: 'Este navegador é antigo demais para as reuniões. Use uma versão atual do Firefox, Chrome, Edge ou Safari.'
    };
    var tag = String(navigator.language || 'en').slice(0, 2);
    var main = document.createElement('main');
    var text = document.createElement('h1');
    text.style.cssText = 'max-width: 34em; margin: 4em auto; padding: 0 1em; font: 600 1.25em/1.5 sans-serif';
    text.appendChild(document.createTextNode(texts[tag] || texts.en));
    main.appendChild(text);
    place.appendChild(main);
  }, 8000);
});
