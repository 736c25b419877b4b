#include "config/check.h"

#include "config/defaults.h"
#include "config/glob.h"
#include "config/text.h"
#include "storage/base/quote.h"

#include <set>

namespace troupe::config {
namespace {

// Collects what is wrong with the files that a configuration names. Refused is what promtool
// refuses; of other files that are missing a warning tells.
class file_checker {
 public:
  explicit file_checker(file_system& fs) : fs_(fs) {}

  std::vector<std::string> errors;
  std::vector<std::string> warnings;

  void check(const config& c) {
    for (const auto& pattern : c.rule_files)
      if (!has_glob(pattern) && !fs_.exists(pattern))
        errors.push_back("rule file " + quoted(pattern) + " does not point to an existing file");
    for (const auto& pattern : c.scrape_config_files)
      if (!has_glob(pattern))
        check_file(pattern, "scrape config file", false);
    for (const auto& j : c.scrape_configs) {
      check_client(j.client, {true, true});
      check_discovery(j.discovery, j.job_name);
    }
    for (const auto& a : c.alerting.alertmanagers) {
      check_client(a.client, {});
      check_discovery(a.discovery, "alertmanagers");
    }
    for (const auto& r : c.remote_write)
      check_client(r.client, {});
    for (const auto& r : c.remote_read)
      check_client(r.client, {});
  }

 private:
  /// Which files of a client promtool looks for.
  struct looked_for {
    bool credentials = false;  ///< of authorization
    bool keys = false;         ///< cert_file and key_file of its TLS
  };

  void check_file(const std::string& path, const std::string& what, bool refused) {
    if (path.empty() || fs_.exists(path))
      return;
    const std::string found = what + " " + quoted(path) + ": no such file";
    if (refused)
      errors.push_back("error checking " + found);
    else
      warnings.push_back(found);
  }

  void check_tls(const tls_config& t, bool refused) {
    check_file(t.ca_file, "ca file", false);
    check_file(t.cert_file, "client cert file", refused);
    check_file(t.key_file, "client key file", refused);
  }

  void check_headers(const std::map<std::string, header_values>& headers) {
    for (const auto& [name, values] : headers)
      for (const auto& f : values.files)
        check_file(f, "http header file", false);
  }

  void check_client(const http_client_config& c, looked_for by_promtool) {
    if (c.authorization)
      check_file(c.authorization->credentials_file, "authorization credentials file",
                 by_promtool.credentials);
    if (c.basic_auth) {
      check_file(c.basic_auth->username_file, "basic_auth username file", false);
      check_file(c.basic_auth->password_file, "basic_auth password file", false);
    }
    if (c.oauth2) {
      check_file(c.oauth2->client_secret_file, "oauth2 client secret file", false);
      check_file(c.oauth2->client_certificate_key_file, "oauth2 client certificate key file",
                 false);
      check_tls(c.oauth2->tls, false);
      check_headers(c.oauth2->http_headers);
    }
    check_tls(c.tls, by_promtool.keys);
    check_headers(c.http_headers);
  }

  void check_discovery(const service_discovery& d, const std::string& job) {
    for (const auto& f : d.file)
      for (const auto& pattern : f.files)
        check_target_files(pattern, job);
    for (const auto& h : d.http)
      check_client(h.client, {});
    for (const auto& i : d.inert)
      check_client(i.client, {false, i.kind == "kubernetes"});
    std::set<std::string_view> seen;
    for (const auto& g : d.static_groups)
      for (const auto& t : g.targets)
        if (!seen.insert(t).second)
          warnings.push_back("target " + quoted(t) + " is listed twice in " + quoted(job));
  }

  void check_target_files(const std::string& pattern, const std::string& job) {
    const auto files = glob(fs_, pattern);
    if (!files.ok()) {
      errors.push_back(std::string(files.error().message()));
      return;
    }
    if (files->empty())
      warnings.push_back("file " + quoted(pattern) + " for file_sd in scrape job " + quoted(job) +
                         " does not exist");
    for (const auto& f : *files) {
      const auto text = read_file(fs_, f, defaults::max_target_file_bytes);
      if (!text.ok()) {
        errors.push_back(std::string(text.error().message()));
        continue;
      }
      const auto groups = parse_target_groups(*text, f);
      if (!groups.ok())
        errors.push_back(std::string(groups.error().message()));
    }
  }

  file_system& fs_;
};

void print_rules(const config& c, std::string& out) {
  std::vector<std::pair<std::string, size_t>> files;
  for (const auto& g : c.rule_groups) {
    if (files.empty() || files.back().first != g.file)
      files.emplace_back(g.file, 0);
    files.back().second += g.rules.size();
  }
  if (!c.rule_files.empty())
    out += "  SUCCESS: " + std::to_string(files.size()) + " rule files found\n";
  for (const auto& [file, rules] : files)
    out += "Checking " + file + "\n  SUCCESS: " + std::to_string(rules) + " rules found\n";
}

bool check_one(const std::string& file, bool syntax_only, file_system& fs,
               const load_options& options, std::string& out, std::string& err) {
  out += "Checking " + file + "\n";
  auto own = options;
  own.follow_files = !syntax_only;
  own.without_own_file = own.own_file.empty();
  const auto loaded = load_config(fs, file, own);
  for (const auto& w : loaded.warnings)
    err += "  WARNING: " + w + "\n";
  for (const auto& e : loaded.errors)
    err += "  FAILED: " + e.to_string() + "\n";
  if (loaded.value == nullptr)
    return false;
  file_checker files(fs);
  if (!syntax_only)
    files.check(*loaded.value);
  for (const auto& w : files.warnings)
    err += "  WARNING: " + file + ": " + w + "\n";
  for (const auto& e : files.errors)
    err += "  FAILED: " + file + ": " + e + "\n";
  if (!files.errors.empty())
    return false;
  print_rules(*loaded.value, out);
  out += " SUCCESS: " + file + " is valid prometheus config file syntax\n\n";
  return true;
}

}  // namespace

int check_config_files(const check_config_command& what, file_system& fs,
                       const load_options& options, std::string& out, std::string& err) {
  bool ok = true;
  for (const auto& f : what.files)
    ok = check_one(f, what.syntax_only, fs, options, out, err) && ok;
  return ok ? 0 : 1;
}

}  // namespace troupe::config
