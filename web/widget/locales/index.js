/**
 * The languages that the widget speaks. What its button says, and what it says where the rest cannot be loaded, is
 * needed before the rest is loaded; the other words of each language are in a file of their own.
 * @type {Record<string, {launcher: string, unreachable: string}>}
 */
const languages = {
  en: { launcher: 'Talk to us', unreachable: 'No connection. Try again' },
  tr: { launcher: 'Bizimle konuşun', unreachable: 'Bağlantı yok. Yeniden deneyin' },
  de: { launcher: 'Sprechen Sie mit uns', unreachable: 'Keine Verbindung. Erneut versuchen' },
  fr: { launcher: 'Parlez avec nous', unreachable: 'Pas de connexion. Réessayer' },
  es: { launcher: 'Hable con nosotros', unreachable: 'Sin conexión. Intentar de nuevo' },
  pt: { launcher: 'Fale conosco', unreachable: 'Sem conexão. Tentar novamente' },
  it: { launcher: 'Parli con noi', unreachable: 'Nessuna connessione. Riprova' },
  ar: { launcher: 'تحدّث إلينا', unreachable: 'لا يوجد اتصال. أعد المحاولة' },
  hi: { launcher: 'हमसे बात करें', unreachable: 'कनेक्शन नहीं है। फिर से कोशिश करें' },
  ja: { launcher: 'お話しください', unreachable: '接続できません。もう一度試す' },
  ko: { launcher: '저희와 대화하세요', unreachable: '연결되지 않았습니다. 다시 시도' },
  zh: { launcher: '与我们交谈', unreachable: '无法连接。重试' },
};

export default languages;

/**
 * @param {string} tag a BCP 47 language tag, such as `pt-BR`
 * @returns {string} the language of ours that is nearest to it
 */
export function nearest(tag) {
  const language = tag.toLowerCase().split(/[-_]/)[0];
  return Object.hasOwn(languages, language) ? language : 'en';
}
