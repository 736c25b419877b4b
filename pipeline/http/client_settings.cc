#include "pipeline/http/client_settings.h"

#include "pipeline/http/base64.h"
#include "pipeline/http/header_text.h"
#include "pipeline/http/oauth2.h"
#include "storage/base/file_system.h"

#include <atomic>

namespace troupe::http {
namespace {

constexpr uint64_t max_secret_bytes = 64 << 10;
constexpr int64_t tls_check_ns = 5'000'000'000;

uint64_t next_id() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

bool uses_proxy(const config::proxy_config& p) {
  return !p.proxy_url.empty() || p.proxy_from_environment;
}

bool uses_files(const config::tls_config& t) {
  return !t.ca_file.empty() || !t.cert_file.empty() || !t.key_file.empty();
}

std::string trim_space(std::string text) {
  constexpr const char* space = " \t\r\n\v\f";
  size_t from = text.find_first_not_of(space);
  if (from == text.npos)
    return {};
  return text.substr(from, text.find_last_not_of(space) - from + 1);
}

status put_checked(std::string& out, const std::string& name, const std::string& value) {
  if (!valid_header_value(value))
    return {errc::invalid_argument, "the value for header " + name + " has control characters"};
  put_header(out, name, value);
  return ok_status();
}

}  // namespace

client_settings::client_settings(config::http_client_config config, client_environment env)
    : config_(std::move(config)),
      env_(std::move(env)),
      id_(next_id()),
      needs_curl_(uses_proxy(config_.proxy) || config_.oauth2.has_value()),
      has_credentials_(config_.basic_auth || config_.authorization ||
                       !config_.http_headers.empty()),
      grants_(config_.oauth2 ? make_oauth2_source(*this) : nullptr) {}

status client_settings::check() const {
  for (const auto& [name, values] : config_.http_headers)
    if (!valid_header_name(name))
      return {errc::invalid_argument, "\"" + name + "\" is not a header name"};
  if (config_.oauth2) {
    if (!config_.oauth2->grant_type.empty() && config_.oauth2->grant_type != "client_credentials")
      return {errc::unsupported, "oauth2: grant_type \"" + config_.oauth2->grant_type +
                                     "\" is not supported, only client_credentials"};
    if (auto pem = read_tls(config_.oauth2->tls); !pem)
      return pem.error();
  }
  if (config_.tls == config::tls_config{})
    return ok_status();
  auto tls = tls_for("localhost", 0);
  return tls.ok() ? ok_status() : tls.error();
}

result<std::string> client_settings::read_secret(const std::string& file) const {
  if (env_.files == nullptr)
    return {errc::unsupported, "cannot read " + file + ": no file system"};
  TROUPE_ASSIGN(std::string text, read_file(*env_.files, file, max_secret_bytes));
  return trim_space(std::move(text));
}

result<std::string> client_settings::credential_lines() const {
  std::string out;
  if (!has_credentials_)
    return out;
  if (config_.basic_auth) {
    const auto& auth = *config_.basic_auth;
    std::string user = auth.username;
    std::string password = auth.password.reveal();
    if (!auth.username_file.empty()) {
      TROUPE_ASSIGN(user, read_secret(auth.username_file));
    }
    if (!auth.password_file.empty()) {
      TROUPE_ASSIGN(password, read_secret(auth.password_file));
    }
    put_header(out, "Authorization", basic_credentials(user, password));
  } else if (config_.authorization) {
    const auto& auth = *config_.authorization;
    std::string credentials = auth.credentials.reveal();
    if (!auth.credentials_file.empty()) {
      TROUPE_ASSIGN(credentials, read_secret(auth.credentials_file));
    }
    TROUPE_TRY(put_checked(out, "Authorization", auth.type + " " + credentials));
  }
  TROUPE_TRY(append_header_values(config_.http_headers, *this, out));
  return out;
}

result<tls_material> client_settings::read_tls(const config::tls_config& from) const {
  if (uses_files(from) && env_.files == nullptr)
    return {errc::unsupported, "cannot read TLS files: no file system"};
  if (!uses_files(from))
    return tls_material{from.ca, from.cert, from.key.reveal()};
  return read_material(from, *env_.files);
}

result<client_tls> client_settings::tls_for(const std::string& host, int64_t now_ns) const {
  std::lock_guard guard(lock_);
  if (!context_ || (uses_files(config_.tls) && now_ns - checked_ns_ >= tls_check_ns)) {
    checked_ns_ = now_ns;
    auto now = read_tls(config_.tls);
    if (!now)
      return now.error();
    if (!context_ || !(*now == material_)) {
      TROUPE_ASSIGN(context_, make_client_context(config_.tls, *now));
      material_ = std::move(*now);
    }
  }
  const std::string& name = config_.tls.server_name;
  return client_tls{context_, name.empty() ? host : name, !config_.tls.insecure_skip_verify};
}

status append_header_values(const std::map<std::string, config::header_values>& from,
                            const client_settings& settings, std::string& out) {
  for (const auto& [name, all] : from) {
    for (const auto& value : all.values)
      TROUPE_TRY(put_checked(out, name, value));
    for (const auto& value : all.secrets)
      TROUPE_TRY(put_checked(out, name, value.reveal()));
    for (const auto& file : all.files) {
      TROUPE_ASSIGN(std::string value, settings.read_secret(file));
      TROUPE_TRY(put_checked(out, name, value));
    }
  }
  return ok_status();
}

std::string basic_credentials(const std::string& user, const std::string& password) {
  return "Basic " + base64_encode(user + ":" + password);
}

result<client_settings_ptr> make_client_settings(const config::http_client_config& from,
                                                 const client_environment& env) {
  auto out = std::make_shared<client_settings>(from, env);
  TROUPE_TRY(out->check());
  return client_settings_ptr(std::move(out));
}

}  // namespace troupe::http
