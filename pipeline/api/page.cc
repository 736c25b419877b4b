// The small page at /: a query box, its table, and links. Texts from data reach the document only
// as textContent, and the policy allows no inline script.
#include "pipeline/api/handlers.h"

namespace troupe::api {

namespace {

// Around the title.
constexpr std::string_view html_before = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>)";
constexpr std::string_view html_after = R"(</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="page.css"><script src="page.js" defer></script></head>
<body><header><h1>troupe</h1><nav>
<a href="api/v1/targets">targets</a> <a href="api/v1/status/tsdb">storage</a>
<a href="api/v1/status/config">configuration</a>
<a href="api/v1/status/flags">flags</a> <a href="api/v1/status/runtimeinfo">runtime</a> <a href="api/v1/rules">rules</a>
<a href="api/v1/alerts">alerts</a> <a href="metrics">metrics</a></nav></header>
<form id="form"><input id="query" name="query"
placeholder="PromQL expression, e.g. up" autofocus autocomplete="off" spellcheck="false">
<button>Run</button></form><p id="note"></p><table id="result"><tbody></tbody></table></body></html>
)";

constexpr std::string_view css =
    R"(body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;
max-width:70rem;padding:0 1rem;color:#1d2329;background:#fff}
header{display:flex;gap:2rem;align-items:baseline;flex-wrap:wrap}h1{font-size:1.4rem;margin:0}nav a{margin-right:.8rem}
form{display:flex;gap:.5rem;margin:1.2rem 0 .6rem}
input{flex:1;font:inherit;font-family:ui-monospace,monospace;padding:.5rem}
button{font:inherit;padding:.5rem 1.2rem}
table{border-collapse:collapse;width:100%}
td{border-top:1px solid #d5dae0;
padding:.3rem .4rem;font-family:ui-monospace,monospace;word-break:break-all;vertical-align:top}
td.value{text-align:right;white-space:nowrap}#note{color:#5b6670;min-height:1.4em}#note.bad{color:#b3261e}
@media (prefers-color-scheme:dark){body{background:#15191d;color:#dde3e9}a{color:#8ab4f8}td{border-color:#333b43}}
)";

constexpr std::string_view js = R"("use strict";
const form = document.getElementById("form"), box = document.getElementById("query");
const note = document.getElementById("note"), rows = document.querySelector("#result tbody");
function seriesText(metric) {
  const {__name__: name = "", ...rest} = metric;
  const pairs = Object.keys(rest).sort().map(k => k + "=" + JSON.stringify(rest[k]));
  return name + (pairs.length || !name ? "{" + pairs.join(", ") + "}" : "");
}
function addRow(left, right) {
  const row = rows.insertRow();
  row.insertCell().textContent = left;
  const cell = row.insertCell();
  cell.textContent = right;
  cell.className = "value";
}
function show(data) {
  const many = data.resultType === "vector" || data.resultType === "matrix";
  const list = many ? data.result : [{metric: {}, value: data.result}];
  for (const s of list) {
    if (s.value) addRow(seriesText(s.metric), s.value[1]);
    else if (s.values) addRow(seriesText(s.metric), s.values.map(v => v[1] + " @" + v[0]).join("\n"));
    else addRow(seriesText(s.metric), "histogram, sum " + (s.histogram || s.histograms[0])[1].sum);
  }
  return list.length;
}
async function run(expr) {
  rows.replaceChildren();
  note.className = "";
  note.textContent = "…";
  const begin = performance.now();
  try {
    const reply = await fetch("api/v1/query", {method: "POST", body: new URLSearchParams({query: expr})});
    const body = await reply.json();
    if (body.status !== "success") throw new Error(body.error);
    const n = show(body.data);
    const extra = [...(body.warnings || []), ...(body.infos || [])].join("; ");
    note.textContent = n + " series, " + Math.round(performance.now() - begin) + " ms" + (extra ? "; " + extra : "");
  } catch (e) {
    note.className = "bad";
    note.textContent = e.message;
  }
}
form.addEventListener("submit", e => {
  e.preventDefault();
  history.replaceState(null, "", "?query=" + encodeURIComponent(box.value));
  run(box.value);
});
const given = new URLSearchParams(location.search).get("query");
if (given) { box.value = given; run(given); }
)";

const http::headers page_headers = {{"Content-Security-Policy",
                                     "default-src 'none'; script-src 'self'; style-src 'self'; "
                                     "connect-src 'self'; base-uri 'none'; form-action 'self'"},
                                    {"Referrer-Policy", "no-referrer"}};

std::string escape_html(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace

answer handle_page(const services& s, const http::request&, const inputs&) {
  std::string body(html_before);
  body += escape_html(s.page_title);
  body += html_after;
  return http::response{200, "text/html; charset=utf-8", page_headers, std::move(body)};
}

answer handle_page_asset(const services&, const http::request& r, const inputs&) {
  bool script = r.path == "/page.js";
  return http::response{200, script ? "text/javascript; charset=utf-8" : "text/css; charset=utf-8",
                        page_headers, std::string(script ? js : css)};
}

}  // namespace troupe::api
