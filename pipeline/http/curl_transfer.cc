#include "pipeline/http/curl_transfer.h"

#include "pipeline/http/body_buffer.h"
#include "pipeline/http/client_body.h"
#include "pipeline/http/header_text.h"
#include "pipeline/http/redirect.h"

#include <curl/curl.h>

#include <cstdlib>

namespace troupe::http {
namespace {

constexpr size_t max_response_head = 64 << 10;

struct list_deleter {
  void operator()(curl_slist* l) const { curl_slist_free_all(l); }
};
using header_list = std::unique_ptr<curl_slist, list_deleter>;

void add(header_list& to, const std::string& line) {
  if (curl_slist* longer = curl_slist_append(to.get(), line.c_str())) {
    static_cast<void>(to.release());
    to.reset(longer);
  }
}

long tls_versions(const config::tls_config& tls) {
  auto pick = [](const std::string& name, long v10, long v11, long v12, long v13, long none) {
    return name == "TLS10"   ? v10
           : name == "TLS11" ? v11
           : name == "TLS12" ? v12
           : name == "TLS13" ? v13
                             : none;
  };
  return pick(tls.min_version, CURL_SSLVERSION_TLSv1_0, CURL_SSLVERSION_TLSv1_1,
              CURL_SSLVERSION_TLSv1_2, CURL_SSLVERSION_TLSv1_3, CURL_SSLVERSION_TLSv1_2) |
         pick(tls.max_version, CURL_SSLVERSION_MAX_TLSv1_0, CURL_SSLVERSION_MAX_TLSv1_1,
              CURL_SSLVERSION_MAX_TLSv1_2, CURL_SSLVERSION_MAX_TLSv1_3,
              CURL_SSLVERSION_MAX_DEFAULT);
}

void set_blob(CURL* easy, CURLoption option, const std::string& text) {
  curl_blob blob{const_cast<char*>(text.data()), text.size(), CURL_BLOB_COPY};
  curl_easy_setopt(easy, option, &blob);
}

/// Go reads both spellings; libcurl only the lower one for http.
const char* proxy_from_environment(bool secure) {
  for (const char* name :
       {secure ? "HTTPS_PROXY" : "HTTP_PROXY", secure ? "https_proxy" : "http_proxy"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0')
      return value;
  }
  return "";
}

}  // namespace

struct curl_transfer::impl {
  ~impl() { curl_easy_cleanup(easy); }

  transfer_spec spec;
  std::shared_ptr<byte_budget> budget;
  CURL* easy = nullptr;
  url where;
  header_list lines;
  header_list proxy_lines;
  header_list connect_to;
  char error[CURL_ERROR_SIZE] = "";
  bool with_credentials = true;
  int hops = 0;

  body_buffer body;
  status refused;
  std::string content_type;
  std::string content_encoding;
  std::string location;
  headers all_headers;
  size_t head_bytes = 0;
  uint64_t wire_bytes = 0;

  static size_t on_body(char* data, size_t, size_t n, void* self) {
    return static_cast<impl*>(self)->take_body({data, n});
  }
  static size_t on_header(char* data, size_t, size_t n, void* self) {
    return static_cast<impl*>(self)->take_header({data, n});
  }

  size_t take_body(std::string_view piece) {
    wire_bytes += piece.size();
    refused = body.append(piece);
    return refused.ok() ? piece.size() : 0;
  }

  size_t take_header(std::string_view line) {
    size_t n = line.size();
    head_bytes += n;
    wire_bytes += n;
    if (head_bytes > max_response_head) {
      refused = status(errc::resource_exhausted, "header size limit exceeded");
      return 0;
    }
    if (line.substr(0, 5) == "HTTP/") {
      forget_head();
      return n;
    }
    size_t colon = line.find(':');
    if (colon == line.npos)
      return n;
    std::string_view name = line.substr(0, colon);
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && (value.back() == '\r' || value.back() == '\n'))
      value.remove_suffix(1);
    value = trim(value);
    if (equal_fold(name, "Content-Type"))
      content_type = value;
    else if (equal_fold(name, "Content-Encoding"))
      content_encoding = value;
    else if (equal_fold(name, "Location"))
      location = value;
    if (spec.want_headers)
      all_headers.push_back({std::string(name), std::string(value)});
    return n;
  }

  void forget_head() {
    content_type.clear();
    content_encoding.clear();
    location.clear();
    all_headers.clear();
  }

  void prepare(int64_t timeout_ms) {
    forget_head();
    head_bytes = 0;
    refused = ok_status();
    error[0] = '\0';
    body.reset(budget, spec.max_body_bytes);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<int64_t>(timeout_ms, 1)));
    set_target();
    set_headers();
    set_method();
    set_proxy();
  }

  void set_target() {
    // libcurl checks the certificate against the URL's host; another name needs a detour.
    url shown = where;
    const std::string& name = spec.tls.server_name;
    connect_to.reset();
    if (where.secure() && !name.empty() && name != where.host) {
      shown.host = name;
      url real = where;
      std::string host = real.host.find(':') == real.host.npos ? real.host : "[" + real.host + "]";
      std::string port = std::to_string(where.port);
      add(connect_to, name + ":" + port + ":" + host + ":" + port);
    }
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, connect_to.get());
    curl_easy_setopt(easy, CURLOPT_URL, shown.text().c_str());
  }

  void set_headers() {
    lines.reset();
    add(lines, "Host: " + where.authority());
    add(lines, "Expect:");
    bool type = false;
    bool accept = false;
    auto note = [&](const std::string& line) {
      std::string_view name = std::string_view(line).substr(0, line.find(':'));
      type = type || equal_fold(name, "Content-Type");
      accept = accept || equal_fold(name, "Accept");
      add(lines, line);
    };
    for (const auto& line : spec.open_lines)
      note(line);
    if (with_credentials)
      for (const auto& line : spec.header_lines)
        note(line);
    if (!type)
      add(lines, "Content-Type:");
    if (!accept)
      add(lines, "Accept:");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, lines.get());
  }

  void set_method() {
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, nullptr);
    if (spec.method == "GET") {
      curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    } else if (spec.method == "HEAD") {
      curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else {
      curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(spec.body.size()));
      curl_easy_setopt(easy, CURLOPT_POSTFIELDS, spec.body.c_str());
      curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, spec.method.c_str());
    }
  }

  void set_proxy() {
    const auto& p = spec.proxy;
    std::string proxy = p.proxy_url;
    if (proxy.empty() && p.proxy_from_environment)
      proxy = proxy_from_environment(where.secure());
    curl_easy_setopt(easy, CURLOPT_PROXY, proxy.c_str());
    if (!p.no_proxy.empty() || !p.proxy_from_environment)
      curl_easy_setopt(easy, CURLOPT_NOPROXY, p.no_proxy.c_str());
    proxy_lines.reset();
    for (const auto& [name, values] : p.proxy_connect_header)
      for (const auto& value : values)
        add(proxy_lines, name + ": " + value.reveal());
    curl_easy_setopt(easy, CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
    curl_easy_setopt(easy, CURLOPT_PROXYHEADER, proxy_lines.get());
  }

  void set_tls(const tls_material& pem) {
    if (!pem.ca.empty())
      set_blob(easy, CURLOPT_CAINFO_BLOB, pem.ca);
    if (!pem.cert.empty()) {
      set_blob(easy, CURLOPT_SSLCERT_BLOB, pem.cert);
      set_blob(easy, CURLOPT_SSLKEY_BLOB, pem.key);
      curl_easy_setopt(easy, CURLOPT_SSLCERTTYPE, "PEM");
      curl_easy_setopt(easy, CURLOPT_SSLKEYTYPE, "PEM");
    }
    bool verify = !spec.tls.insecure_skip_verify;
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, tls_versions(spec.tls));
  }

  void set_fixed() {
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &impl::on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &impl::on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
    curl_easy_setopt(easy, CURLOPT_DNS_SHUFFLE_ADDRESSES, spec.shuffle_addresses ? 1L : 0L);
  }

  status failure(CURLcode code) const {
    if (!refused.ok())
      return refused;
    std::string text = error[0] != '\0' ? error : curl_easy_strerror(code);
    errc kind = code == CURLE_OPERATION_TIMEDOUT ? errc::timeout : errc::io_error;
    return {kind, text};
  }
};

void put_line(std::vector<std::string>& lines, std::string_view name, std::string_view value) {
  lines.push_back(std::string(name) + ": " + std::string(value));
}

void put_lines(std::vector<std::string>& lines, std::string_view text) {
  while (!text.empty()) {
    size_t end = text.find("\r\n");
    lines.emplace_back(text.substr(0, end));
    text = end == text.npos ? std::string_view() : text.substr(end + 2);
  }
}

result<transfer_spec> spec_of(const fetch_request& request, const headers& granted,
                              int64_t timeout_ms) {
  const auto& settings = request.to->settings();
  transfer_spec spec;
  spec.url = request.to->where().text();
  spec.method = request.method;
  spec.body = request.body;
  spec.timeout_ms = timeout_ms;
  spec.max_body_bytes = request.max_body_bytes;
  spec.follow_redirects = settings.config().follow_redirects;
  spec.want_headers = request.want_headers;
  spec.shuffle_addresses = request.rotate_addresses;
  spec.tls = settings.config().tls;
  spec.proxy = settings.config().proxy;
  bool agent = false;
  for (const auto* group : {&request.to->extra_headers(), &request.header_fields}) {
    for (const auto& h : *group) {
      agent = agent || equal_fold(h.name, "User-Agent");
      put_line(harmless_header(h.name) ? spec.open_lines : spec.header_lines, h.name, h.value);
    }
  }
  if (!agent)
    put_line(spec.open_lines, "User-Agent", settings.user_agent());
  TROUPE_ASSIGN(std::string credentials, settings.credential_lines());
  put_lines(spec.header_lines, credentials);
  const auto& where = request.to->where();
  for (const auto& h : granted)
    put_line(spec.header_lines, h.name, h.value);
  if (granted.empty() && where.has_userinfo && !settings.config().basic_auth &&
      !settings.config().authorization)
    put_line(spec.header_lines, "Authorization", basic_credentials(where.user, where.password));
  return spec;
}

curl_transfer::curl_transfer(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
curl_transfer::~curl_transfer() = default;

result<std::unique_ptr<curl_transfer>> curl_transfer::make(transfer_spec spec,
                                                           const client_settings& settings,
                                                           std::shared_ptr<byte_budget> budget) {
  auto i = std::make_unique<impl>();
  TROUPE_ASSIGN(i->where, parse_url(spec.url));
  TROUPE_ASSIGN(tls_material pem, settings.read_tls(spec.tls));
  i->easy = curl_easy_init();
  if (i->easy == nullptr)
    return {errc::resource_exhausted, "no memory for a transfer"};
  i->spec = std::move(spec);
  i->budget = std::move(budget);
  i->set_fixed();
  i->set_tls(pem);
  i->prepare(i->spec.timeout_ms);
  return std::unique_ptr<curl_transfer>(new curl_transfer(std::move(i)));
}

void* curl_transfer::handle() const {
  return impl_->easy;
}

bool curl_transfer::follow(int code, int64_t left_ms) {
  impl& i = *impl_;
  long answer = 0;
  curl_easy_getinfo(i.easy, CURLINFO_RESPONSE_CODE, &answer);
  if (code != CURLE_OK || !i.spec.follow_redirects || i.location.empty() ||
      !is_redirect(static_cast<int>(answer)) || left_ms <= 0)
    return false;
  auto next = plan_redirect(i.where, i.location, static_cast<int>(answer), i.spec.method, ++i.hops);
  if (!next) {
    i.refused = next.error();
    return false;
  }
  i.with_credentials = i.with_credentials && next->same_origin;
  i.where = std::move(next->where);
  if (next->drop_body) {
    i.spec.method = "GET";
    i.spec.body.clear();
  }
  i.prepare(left_ms);
  return true;
}

fetch_result curl_transfer::finish(int code) {
  impl& i = *impl_;
  fetch_result out;
  out.wire_bytes = i.wire_bytes;
  if (code != CURLE_OK || !i.refused.ok()) {
    out.error = i.failure(static_cast<CURLcode>(code));
    return out;
  }
  long answer = 0;
  curl_easy_getinfo(i.easy, CURLINFO_RESPONSE_CODE, &answer);
  out.code = static_cast<int>(answer);
  out.content_type = std::move(i.content_type);
  out.header_fields = std::move(i.all_headers);
  finish_body(i.body, i.content_encoding, i.budget, i.spec.max_body_bytes, false, out);
  return out;
}

}  // namespace troupe::http
