#include "config/web_config.h"

#include "config/defaults.h"
#include "config/schema.h"
#include "config/text.h"
#include "config/yaml_reader.h"
#include "storage/base/quote.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace troupe::config {
namespace {

constexpr std::string_view h2_cipher_rsa = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";
constexpr std::string_view h2_cipher_ecdsa = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256";
constexpr std::array<std::string_view, 13> ciphers{"TLS_AES_128_GCM_SHA256",
                                                   "TLS_AES_256_GCM_SHA384",
                                                   "TLS_CHACHA20_POLY1305_SHA256",
                                                   "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
                                                   "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
                                                   "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
                                                   "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
                                                   h2_cipher_ecdsa,
                                                   "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
                                                   h2_cipher_rsa,
                                                   "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
                                                   "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
                                                   "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"};
constexpr std::array<std::string_view, 4> curves{"CurveP256", "CurveP384", "CurveP521", "X25519"};
constexpr std::array<std::string_view, 4> versions{"TLS10", "TLS11", "TLS12", "TLS13"};
constexpr std::array<std::string_view, 6> client_auth{
    "NoClientCert",      "RequestClientCert",       "RequireAnyClientCert",
    "RequireClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"};
constexpr std::array<std::string_view, 5> allowed_headers{
    "Content-Security-Policy", "Strict-Transport-Security", "X-Content-Type-Options",
    "X-Frame-Options", "X-XSS-Protection"};

template <class C>
bool has(const C& all, std::string_view name) {
  return std::find(all.begin(), all.end(), name) != all.end();
}

void add(diagnostics& out, std::string field, std::string message) {
  out.push_back({"", 0, 0, std::move(field), std::move(message)});
}

void describe_tls(fields& f, web_tls_config& c) {
  f.text("cert", c.cert, shown::yes);
  f.secret_text("key", c.key);
  f.text("client_ca", c.client_ca, shown::yes);
  f.path("cert_file", c.cert_file);
  f.path("key_file", c.key_file);
  f.text("client_auth_type", c.client_auth_type, shown::yes);
  f.path("client_ca_file", c.client_ca_file);
  f.texts("cipher_suites", c.cipher_suites, shown::yes);
  f.texts("curve_preferences", c.curve_preferences, shown::yes);
  f.text("min_version", c.min_version, shown::yes);
  f.text("max_version", c.max_version, shown::yes);
  f.flag("prefer_server_cipher_suites", c.prefer_server_cipher_suites, when::always);
  f.texts("client_allowed_sans", c.client_allowed_sans, shown::yes);
}

void describe_http(fields& f, web_config& c) {
  f.flag("http2", c.http2, when::always);
  if (f.reading())
    c.http2_asked = f.has("http2") && c.http2;
  f.text_map("headers", c.headers, shown::yes);
}

void describe_rate_limit(fields& f, web_rate_limit& c) {
  f.duration("interval", c.interval_ms, when::always);
  f.integer("burst", c.burst, when::always);
}

bool asks_for_tls(const web_tls_config& c) {
  return !c.cert.empty() || !c.cert_file.empty() || !c.key.empty() || !c.key_file.empty() ||
         !c.client_ca.empty() || !c.client_ca_file.empty() || !c.client_auth_type.empty();
}

void check_list(const std::vector<std::string>& given, std::span<const std::string_view> known,
                std::string_view key, std::string_view what, diagnostics& out) {
  for (size_t i = 0; i < given.size(); ++i)
    if (std::find(known.begin(), known.end(), given[i]) == known.end())
      add(out, item_path(child_path("tls_server_config", key), i),
          "unknown " + std::string(what) + ": " + given[i]);
}

void check_client_auth(const web_tls_config& c, diagnostics& out) {
  const auto path = child_path("tls_server_config", "client_auth_type");
  const auto& type = c.client_auth_type;
  if (!type.empty() && !has(client_auth, type))
    add(out, path, "invalid client_auth_type: " + type);
  const bool none = type.empty() || type == "NoClientCert";
  if (none && !(c.client_ca.empty() && c.client_ca_file.empty()))
    add(out, "tls_server_config", "client CA's have been configured without a Client Auth Policy");
  if (!c.client_allowed_sans.empty() && type != "RequireAnyClientCert" &&
      type != "RequireClientCert" && type != "RequireAndVerifyClientCert")
    add(out, child_path("tls_server_config", "client_allowed_sans"),
        "client_allowed_sans requires client_auth_type to be one of RequireAnyClientCert or "
        "RequireAndVerifyClientCert");
}

void check_tls(const web_config& c, diagnostics& out) {
  const auto& t = c.tls;
  for (const auto& [key, value] :
       {std::pair("min_version", &t.min_version), std::pair("max_version", &t.max_version)})
    if (!has(versions, *value))
      add(out, child_path("tls_server_config", key), "unknown TLS version: " + *value);
  check_list(t.cipher_suites, ciphers, "cipher_suites", "cipher", out);
  check_list(t.curve_preferences, curves, "curve_preferences", "curve", out);
  if (!asks_for_tls(t))
    return;
  if (t.min_version > t.max_version)
    add(out, child_path("tls_server_config", "max_version"), "must not be lower than min_version");
  if (t.cert.empty() && t.cert_file.empty())
    add(out, "tls_server_config", "missing one of cert or cert_file");
  if (t.key.empty() && t.key_file.empty())
    add(out, "tls_server_config", "missing one of key or key_file");
  check_client_auth(t, out);
  if (c.http2 && !t.cipher_suites.empty() && !has(t.cipher_suites, h2_cipher_rsa) &&
      !has(t.cipher_suites, h2_cipher_ecdsa))
    add(out, child_path("tls_server_config", "cipher_suites"),
        "HTTP/2 requires " + std::string(h2_cipher_rsa) + " or " + std::string(h2_cipher_ecdsa) +
            "; add one or set http_server_config.http2 to false");
}

void check_headers(const web_config& c, diagnostics& out) {
  for (const auto& [name, value] : c.headers) {
    const auto path = child_path("http_server_config.headers", name);
    if (!has(allowed_headers, name)) {
      add(out, path, "HTTP header " + quoted(name) + " can not be configured");
      continue;
    }
    const auto l = lower(value);
    if (name == "X-Content-Type-Options" && !l.empty() && l != "nosniff")
      add(out, path, "invalid value, must be nosniff");
    if (name == "X-Frame-Options" && !l.empty() && l != "deny" && l != "sameorigin")
      add(out, path, "invalid value, must be deny or sameorigin");
    if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos)
      add(out, path, "must be one line");
  }
}

// $2a$, $2b$ or $2y$, two digits of cost from 04 to 31, $, 22 characters of salt and 31 of hash.
bool is_bcrypt(std::string_view hash) {
  constexpr size_t length = 60, prefix = 7;
  if (hash.size() != length || !hash.starts_with("$2") ||
      std::string_view("aby").find(hash[2]) == std::string_view::npos || hash[3] != '$' ||
      hash[6] != '$' || !std::isdigit(static_cast<unsigned char>(hash[4])) ||
      !std::isdigit(static_cast<unsigned char>(hash[5])))
    return false;
  const int cost = (hash[4] - '0') * 10 + (hash[5] - '0');
  return cost >= 4 && cost <= 31 &&
         std::all_of(hash.begin() + prefix, hash.end(),
                     [](unsigned char c) { return std::isalnum(c) || c == '.' || c == '/'; });
}

void check_web(const web_config& c, diagnostics& out) {
  check_tls(c, out);
  check_headers(c, out);
  for (const auto& [user, hash] : c.basic_auth_users) {
    const auto path = child_path("basic_auth_users", user);
    if (user.empty() || user.find(':') != std::string::npos)
      add(out, path, "a user's name must not be empty or hold a colon");
    if (!is_bcrypt(hash.reveal()))
      add(out, path, "the password must be a bcrypt hash");
  }
  if (c.rate_limit.burst < 0)
    add(out, "rate_limit.burst", "must be at least 0");
  if (c.rate_limit.interval_ms > 0 && c.rate_limit.burst == 0)
    add(out, "rate_limit.burst", "must be at least 1, or every request is refused");
}

}  // namespace

void describe(fields& f, web_config& c) {
  f.object("tls_server_config", c.tls, describe_tls);
  f.object("http_server_config", c, describe_http);
  f.object("rate_limit", c.rate_limit, describe_rate_limit);
  f.secret_map("basic_auth_users", c.basic_auth_users);
}

result<web_config> parse_web_config(std::string_view text, const std::string& path,
                                    diagnostics& errors) {
  const size_t before = errors.size();
  web_config c;
  c.tls.client_auth_type.clear();
  yaml_node root;
  yaml_limits limits;
  limits.max_bytes = defaults::max_file_bytes;
  if (parse_yaml(text, path, limits, root, errors)) {
    const auto folder = folder_of(path);
    yaml_reader(root, path, folder, errors).read(c, describe);
    diagnostics found;
    check_web(c, found);
    for (auto& d : found) {
      d.file = path;
      locate(root, d);
      errors.push_back(std::move(d));
    }
  }
  if (errors.size() > before)
    return to_status({errors.begin() + static_cast<std::ptrdiff_t>(before), errors.end()});
  c.use_tls = asks_for_tls(c.tls);
  if (c.tls.client_auth_type.empty())
    c.tls.client_auth_type = "NoClientCert";
  if (c.tls.client_auth_type == "RequireClientCert")
    c.tls.client_auth_type = "RequireAnyClientCert";
  return c;
}

result<web_config> load_web_config(file_system& fs, const std::string& path) {
  TROUPE_ASSIGN(const std::string text, read_file(fs, path, defaults::max_file_bytes));
  diagnostics errors;
  return parse_web_config(text, path, errors);
}

}  // namespace troupe::config
