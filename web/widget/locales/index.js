/**
 * The widget's languages, with the strings of the button, which are needed before the rest is loaded. The other strings
 * of each language are in a file of their own.
 * @type {Record<string, {launcher: string, unreachable: string}>}
 */
const languages = {
  en: { launcher: 'Talk to us', unreachable: 'Could not load. Please reload the page' },
  tr: { launcher: 'Bizimle konuşun', unreachable: 'Yüklenemedi. Lütfen sayfayı yenileyin' },
  de: { launcher: 'Sprechen Sie mit uns', unreachable: 'Laden fehlgeschlagen. Bitte laden Sie die Seite neu' },
  fr: { launcher: 'Discutez avec nous', unreachable: 'Échec du chargement. Rechargez la page' },
  es: { launcher: 'Hable con nosotros', unreachable: 'No se pudo cargar. Recargue la página' },
  pt: { launcher: 'Fale conosco', unreachable: 'Não foi possível carregar. Recarregue a página' },
  it: { launcher: 'Parla con noi', unreachable: 'Caricamento non riuscito. Ricarica la pagina' },
  ar: { launcher: 'تحدّث معنا', unreachable: 'تعذّر التحميل. يُرجى إعادة تحميل الصفحة' },
  hi: { launcher: 'हमसे बात करें', unreachable: 'लोड नहीं हो सका। कृपया पेज फिर से लोड करें' },
  ja: { launcher: '相談する', unreachable: '読み込めませんでした。ページを再読み込みしてください' },
  ko: { launcher: '문의하기', unreachable: '불러오지 못했습니다. 페이지를 새로 고쳐 주세요' },
  zh: { launcher: '在线咨询', unreachable: '无法加载。请刷新页面' },
};

export default languages;

/**
 * @param {string} tag a BCP 47 language tag, such as `pt-BR`
 * @returns {string} the nearest language of the widget
 */
export function nearest(tag) {
  const language = tag.toLowerCase().split(/[-_]/)[0];
  return Object.hasOwn(languages, language) ? language : 'en';
}
