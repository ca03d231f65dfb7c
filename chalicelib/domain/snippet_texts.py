"""The texts of the snippets, as a shop pastes them; `[[name]]` is filled in by `domain/snippets.py`.

The documents show the same texts, filled in for a program called acme.
"""

TAG = """\
<script async src="[[base]]/tag.js" data-program="[[program]]"[[attributes]]></script>"""

CONVERT = """\
<script>
  window.linkledger = window.linkledger || \
function () { (linkledger.q = linkledger.q || []).push(arguments); };
  linkledger('convert', { event: '[[event]]', order_id: 'A-1001', \
amount: [[minor]], currency: '[[currency]]', coupon: 'ANNA10' });
</script>"""

PIXEL = """\
<img src="[[base]]/p.gif?program=[[program]]&amp;event=[[event_in_url]]&amp;order_id=A-1001\
&amp;amount=[[major]]&amp;currency=[[currency]]"
     alt="" width="1" height="1" referrerpolicy="no-referrer">"""

POSTBACK = """\
[[base]]/postback/[[program]]?token=[[token]]&click_id={click_id}\
&order_id=A-1001&amount=[[major]]&currency=[[currency]]&event=[[event_in_url]]"""

API_BY_KEY = """\
curl -X POST [[base]]/v1/conversions -H "Authorization: Bearer $KEY" \\
  -H "Content-Type: application/json" \\
  -d '{"program": "[[program]]", "event": "[[event]]", "order_id": "A-1001", \
"amount": [[minor]], "currency": "[[currency]]",
       "click_id": "'$LL_CLICK'", "customer_id": "7"}'"""

API_SIGNED = """\
import base64, hashlib, hmac, json, time, urllib.request, uuid

def tell(order, secret):
    body = json.dumps(order).encode()
    message_id, stamp = f"msg_{uuid.uuid4().hex}", str(int(time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{stamp}.".encode() + body
    signature = "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    headers = {"Content-Type": "application/json", "webhook-id": message_id,
               "webhook-timestamp": stamp, "webhook-signature": signature}
    request = urllib.request.Request("[[base]]/v1/conversions", body, headers)
    return json.load(urllib.request.urlopen(request, timeout=10))"""

SHOPIFY = """\
<script>
  (function () {
    var click = new URLSearchParams(location.search).get('[[param]]');
    if (click) fetch('/cart/update.js', { method: 'POST', headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ attributes: { ll_click: click } }) });
  })();
</script>"""

STRIPE = """\
stripe.checkout.Session.create(..., client_reference_id=click_id, metadata={"coupon": "ANNA10"})"""

COUPON = """\
curl -X POST [[base]]/v1/coupons -H "Authorization: Bearer $KEY" \
-H "Content-Type: application/json" \\
  -d '{"program": "[[program]]", "partner": "anna", "code": "ANNA10"}'"""

COOKIE_PYTHON = """\
import re
from http.cookies import SimpleCookie
from urllib.parse import parse_qs

CLICK = re.compile(r"[A-Za-z0-9_-]{59}")

def keep_click(app):
    def wrapped(environ, start_response):
        click = parse_qs(environ.get("QUERY_STRING", "")).get("[[param]]", [""])[0]
        def start(status, headers, exc_info=None):
            if CLICK.fullmatch(click):
                cookie = f"__Host-ll_click={click}; Path=/; Max-Age=[[seconds]]; \
Secure; HttpOnly; SameSite=Lax"
                headers = [*headers, ("Set-Cookie", cookie)]
            return start_response(status, headers, exc_info)
        return app(environ, start)
    return wrapped

def click_of(environ):
    morsel = SimpleCookie(environ.get("HTTP_COOKIE", "")).get("__Host-ll_click")
    return morsel.value if morsel else None"""

COOKIE_NODE = r"""app.use((request, response, next) => {
  const click = request.query['[[param]]'];
  if (typeof click === 'string' && /^[\w-]{59}$/.test(click)) {
    response.cookie('__Host-ll_click', click,
      { path: '/', maxAge: [[days]] * 86400 * 1000, secure: true, httpOnly: true, sameSite: 'lax' });
  }
  next();
});"""

COOKIE_PHP = r"""$click = $_GET['[[param]]'] ?? '';
if (is_string($click) && preg_match('/\A[A-Za-z0-9_-]{59}\z/', $click)) {
    setcookie('__Host-ll_click', $click, ['expires' => time() + [[days]] * 86400, 'path' => '/',
        'secure' => true, 'httponly' => true, 'samesite' => 'Lax']);
}"""

IDENTIFY = """\
<script>
  window.linkledger = window.linkledger || \
function () { (linkledger.q = linkledger.q || []).push(arguments); };
  linkledger('identify', { customer_id: '7' });
</script>"""

IDENTIFY_SERVER = """\
curl -X POST [[base]]/v1/identities -H "Authorization: Bearer $KEY" \
-H "Content-Type: application/json" \\
  -d '{"program": "[[program]]", "customer_id": "7", "click_id": "'$LL_CLICK'"}'"""

ANDROID = """\
val client = InstallReferrerClient.newBuilder(context).build()
client.startConnection(object : InstallReferrerStateListener {
    override fun onInstallReferrerSetupFinished(code: Int) {
        if (code == InstallReferrerClient.InstallReferrerResponse.OK) {
            val click = Uri.parse("?" + client.installReferrer.installReferrer).getQueryParameter("[[param]]")
            if (click != null) tellYourServer(click)
        }
        client.endConnection()
    }
    override fun onInstallReferrerServiceDisconnected() {}
})"""
