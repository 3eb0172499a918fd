"""Names people use for time zones and currencies that the standard tables do not list as such."""

# Cities, countries and abbreviations -> IANA zone. What the zone database names itself is not here.
_ZONES = """
Africa/Cairo: egypt
Africa/Johannesburg: south africa, cape town
Africa/Lagos: nigeria
Africa/Nairobi: kenya
America/Argentina/Buenos_Aires: argentina
America/Bogota: colombia
America/Chicago: houston, dallas, austin, texas, cst, cdt, central time
America/Denver: mst, mdt, mountain time, salt lake city
America/Los_Angeles: la, california, san francisco, seattle, san diego, silicon valley, las vegas, \
portland, pst, pdt, pacific time
America/Mexico_City: mexico
America/New_York: nyc, new york city, boston, washington, washington dc, miami, atlanta, \
philadelphia, est, edt, eastern time
America/Santiago: chile
America/Sao_Paulo: brazil, rio, rio de janeiro
America/Toronto: ottawa
America/Vancouver: british columbia
Asia/Bangkok: thailand
Asia/Dubai: uae, united arab emirates, abu dhabi
Asia/Ho_Chi_Minh: vietnam, hanoi
Asia/Hong_Kong: hongkong
Asia/Jakarta: indonesia
Asia/Jerusalem: israel, tel aviv, haifa, beer sheva, ist jerusalem
Asia/Karachi: pakistan
Asia/Kolkata: india, mumbai, delhi, new delhi, bangalore, bengaluru, chennai, hyderabad, pune, ist
Asia/Manila: philippines
Asia/Riyadh: saudi arabia
Asia/Seoul: korea, south korea
Asia/Shanghai: china, beijing, shenzhen, guangzhou
Asia/Singapore: singapore
Asia/Taipei: taiwan
Asia/Tokyo: japan, osaka, kyoto, jst
Australia/Melbourne: victoria
Australia/Sydney: canberra
Europe/Amsterdam: netherlands, holland, the hague, rotterdam
Europe/Athens: greece
Europe/Berlin: germany, munich, frankfurt, hamburg, cologne, cet, cest
Europe/Brussels: belgium
Europe/Bucharest: romania
Europe/Budapest: hungary
Europe/Copenhagen: denmark
Europe/Dublin: ireland
Europe/Helsinki: finland
Europe/Istanbul: turkey
Europe/Kyiv: ukraine
Europe/Lisbon: portugal, porto
Europe/London: uk, united kingdom, england, britain, scotland, edinburgh, manchester, bst
Europe/Madrid: spain, barcelona
Europe/Moscow: russia, st petersburg
Europe/Oslo: norway
Europe/Paris: france, lyon, marseille
Europe/Prague: czechia, czech republic
Europe/Rome: italy, milan
Europe/Stockholm: sweden
Europe/Vienna: austria
Europe/Warsaw: poland, krakow
Europe/Zurich: switzerland, geneva, bern, basel
Pacific/Auckland: new zealand, wellington
UTC: utc, gmt, zulu
"""

_CURRENCY_NAMES = """
AUD: australian dollar, australian dollars
BRL: brazilian real
CAD: canadian dollar, canadian dollars
CHF: swiss franc, swiss francs
CNY: yuan, renminbi
CZK: czech koruna
DKK: danish krone
EUR: €, euro, euros
GBP: £, pound, pounds, sterling, pound sterling, british pound, british pounds
HUF: forint
ILS: ₪, shekel, shekels, nis
INR: rupee, rupees
JPY: ¥, yen
KRW: korean won
MXN: mexican peso, mexican pesos
NOK: norwegian krone, norwegian kroner
NZD: new zealand dollar, new zealand dollars
PLN: zloty
RUB: ruble, rubles
SEK: swedish krona, swedish kronor
SGD: singapore dollar
THB: baht
TRY: turkish lira
UAH: hryvnia
USD: $, dollar, dollars, us dollar, us dollars
ZAR: rand
"""


def _turned(table: str) -> dict[str, str]:
    """Name -> code, from lines of `code: name, name`."""
    lines = (line.split(":", 1) for line in table.strip().splitlines())
    return {name.strip(): code for code, names in lines for name in names.split(",")}


ZONES = _turned(_ZONES)
CURRENCY_NAMES = _turned(_CURRENCY_NAMES)
_CODES = """
AED AFN ALL AMD ARS AUD AZN BAM BDT BGN BHD BND BOB BRL BYN CAD CHF CLP CNY COP CRC CZK DKK
DOP DZD EGP ETB EUR GBP GEL GHS GTQ HKD HNL HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KHR KRW
KWD KZT LBP LKR MAD MDL MKD MMK MUR MXN MYR NGN NIO NOK NPR NZD OMR PAB PEN PHP PKR PLN PYG QAR
RON RSD RUB SAR SEK SGD THB TND TRY TTD TWD TZS UAH UGX USD UYU UZS VND XAF XAU XOF ZAR
"""
CURRENCIES = frozenset(_CODES.split())
