package textual_test

import (
	"strings"
	"testing"

	"github.com/leathq/leat/services/validator/internal/textual"
)

// sentences of everyday length, written for this test, several of each language.
var sentences = map[string][]string{
	"en": {"The train to the coast leaves at seven, and we still have not bought our tickets.", "She asked whether anybody had seen the keys that were lying on the kitchen table.", "Nothing in the report explains why the second machine stopped during the night."},
	"de": {"Der Zug an die Küste fährt um sieben Uhr ab, und wir haben noch keine Fahrkarten.", "Sie fragte, ob jemand die Schlüssel gesehen habe, die auf dem Küchentisch lagen.", "Im Bericht steht nicht, warum die zweite Maschine in der Nacht stehen geblieben ist."},
	"fr": {"Le train pour la côte part à sept heures et nous n'avons pas encore acheté nos billets.", "Elle a demandé si quelqu'un avait vu les clés qui étaient posées sur la table de la cuisine.", "Rien dans le rapport n'explique pourquoi la deuxième machine s'est arrêtée pendant la nuit."},
	"es": {"El tren hacia la costa sale a las siete y todavía no hemos comprado los billetes.", "Preguntó si alguien había visto las llaves que estaban encima de la mesa de la cocina.", "Nada en el informe explica por qué la segunda máquina se detuvo durante la noche."},
	"it": {"Il treno per la costa parte alle sette e non abbiamo ancora comprato i biglietti.", "Ha chiesto se qualcuno avesse visto le chiavi che erano sul tavolo della cucina.", "Niente nella relazione spiega perché la seconda macchina si sia fermata durante la notte."},
	"pt": {"O comboio para a costa parte às sete e ainda não comprámos os nossos bilhetes.", "Ela perguntou se alguém tinha visto as chaves que estavam em cima da mesa da cozinha.", "Nada no relatório explica por que razão a segunda máquina parou durante a noite."},
	"nl": {"De trein naar de kust vertrekt om zeven uur en we hebben nog geen kaartjes gekocht.", "Ze vroeg of iemand de sleutels had gezien die op de keukentafel lagen.", "Niets in het verslag verklaart waarom de tweede machine in de nacht is gestopt."},
	"pl": {"Pociąg na wybrzeże odjeżdża o siódmej, a my jeszcze nie kupiliśmy biletów.", "Zapytała, czy ktoś widział klucze, które leżały na stole w kuchni.", "Nic w raporcie nie wyjaśnia, dlaczego druga maszyna zatrzymała się w nocy."},
	"ru": {"Поезд на побережье отправляется в семь часов, а мы ещё не купили билеты.", "Она спросила, не видел ли кто-нибудь ключи, которые лежали на кухонном столе.", "Ничто в отчёте не объясняет, почему вторая машина остановилась ночью."},
	"uk": {"Потяг на узбережжя вирушає о сьомій, а ми ще не купили квитків.", "Вона запитала, чи хтось бачив ключі, які лежали на кухонному столі.", "Ніщо у звіті не пояснює, чому друга машина зупинилася вночі."},
	"tr": {"Sahile giden tren saat yedide kalkıyor ve biz hâlâ biletlerimizi almadık.", "Mutfak masasının üzerinde duran anahtarları gören olup olmadığını sordu.", "Raporda ikinci makinenin gece neden durduğunu açıklayan hiçbir şey yok."},
	"fi": {"Juna rannikolle lähtee kello seitsemän, emmekä ole vielä ostaneet lippuja.", "Hän kysyi, oliko kukaan nähnyt avaimia, jotka olivat keittiön pöydällä.", "Raportissa mikään ei selitä, miksi toinen kone pysähtyi yöllä."},
	"ar": {"يغادر القطار المتجه إلى الساحل في الساعة السابعة ولم نشتر التذاكر بعد.", "سألت عما إذا كان أحد قد رأى المفاتيح التي كانت على طاولة المطبخ."},
	"el": {"Το τρένο για την ακτή φεύγει στις επτά και δεν έχουμε αγοράσει ακόμα εισιτήρια.", "Ρώτησε αν κάποιος είχε δει τα κλειδιά που ήταν πάνω στο τραπέζι της κουζίνας."},
	"ja": {"海岸へ行く電車は七時に出ますが、まだ切符を買っていません。", "台所のテーブルの上にあった鍵を誰か見ましたかと彼女は尋ねた。"},
	"zh": {"去海边的火车七点出发，我们还没有买票。", "她问有没有人看见放在厨房桌子上的钥匙。"},
	"ko": {"해안으로 가는 기차는 일곱 시에 출발하는데 우리는 아직 표를 사지 못했다.", "그녀는 부엌 식탁 위에 있던 열쇠를 본 사람이 있는지 물었다."},
	"hi": {"तट जाने वाली रेलगाड़ी सात बजे निकलती है और हमने अभी तक टिकट नहीं खरीदे हैं।", "उसने पूछा कि क्या किसी ने रसोई की मेज़ पर रखी चाबियाँ देखी हैं।"},
}

// Sentences of eighteen languages are told apart, nearly all of them.
func TestLanguages(t *testing.T) {
	right, all := 0, 0
	for want, list := range sentences {
		for _, s := range list {
			all++
			if got, confidence := textual.Language([]byte(s)); got == want {
				right++
			} else {
				t.Logf("%s, not %s (%.2f): %s", got, want, confidence, s)
			}
		}
	}
	t.Logf("%d of %d sentences", right, all)
	if right*100 < all*95 {
		t.Errorf("%d of %d sentences are told, less than 95 %%", right, all)
	}
}

// What says nothing of a language is not guessed, and a text is judged by its beginning.
func TestLanguageOfLittle(t *testing.T) {
	for _, text := range []string{"", "   ", "12345 67 8", "ok", "https", "+-*/", "\xff\xfe"} {
		if got, confidence := textual.Language([]byte(text)); got != textual.Undetermined || confidence != 0 {
			t.Errorf("%q is %s (%.2f)", text, got, confidence)
		}
	}
	long := "  12. " + strings.Repeat(sentences["de"][0]+" ", 40) + strings.Repeat(sentences["fr"][0]+" ", 400)
	if got, _ := textual.Language([]byte(long)); got != "de" {
		t.Errorf("a text that begins in German is %s", got)
	}
	if !textual.KnowsLanguage("de") || !textual.KnowsLanguage("ceb") || textual.KnowsLanguage("german") || textual.KnowsLanguage("") {
		t.Error("codes of languages are not known, or others are")
	}
}

func TestDamage(t *testing.T) {
	for _, c := range []struct {
		text               string
		mojibake, replaced int
	}{
		{"cafÃ© et thÃ©", 2, 0}, {"itâ€™s", 1, 0}, {"Â£5", 1, 0}, {"ðŸ˜€", 1, 0}, {"Ð¿Ñ€Ð¸Ð²ÐµÑ‚", 6, 0}, {"Î±Î²", 2, 0},
		{"café, naïve, Straße, ÇA VA, NÃO, Ångström, ÅÄÖ, œuvre", 0, 0}, {"«Spaß»", 0, 0}, {"привет αβγ", 0, 0}, {"日本語", 0, 0}, {"", 0, 0}, {"Ã", 0, 0},
		{"a\uFFFDb", 0, 1}, {"a\xffb\xc3", 0, 2},
	} {
		if m, r := textual.Mojibake([]byte(c.text)), textual.Replacements([]byte(c.text)); m != c.mojibake || r != c.replaced {
			t.Errorf("%q: %d and %d, want %d and %d", c.text, m, r, c.mojibake, c.replaced)
		}
	}
}

func FuzzDamageAndLanguage(f *testing.F) {
	f.Add([]byte("cafÃ© \xff"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if n := textual.Mojibake(text) + textual.Replacements(text); n < 0 || n > 2*len(text) {
			t.Fatalf("%d places in %d bytes", n, len(text))
		}
		first, c := textual.Language(text)
		if again, d := textual.Language(text); first != again || c != d || !textual.KnowsLanguage(first) {
			t.Fatalf("%s (%g), then %s (%g)", first, c, again, d)
		}
	})
}

func BenchmarkLanguage(b *testing.B) {
	text := []byte(strings.Repeat(sentences["en"][0]+" ", 60)) // about 5 KB
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		textual.Language(text)
	}
}
