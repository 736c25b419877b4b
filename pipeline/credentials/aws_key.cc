#include "pipeline/credentials/aws_key.h"

#include "pipeline/http/header_text.h"

#include <map>
#include <string_view>

namespace troupe::credentials {
namespace {

constexpr std::string_view default_service = "aps";

using section = std::map<std::string, std::string>;

/// The keys of a section of an INI file of AWS; none if file or section are missing.
section read_section(const surroundings& from, const std::string& path, const std::string& name) {
  section out;
  const auto text = from.read(path);
  if (!text.ok())
    return out;
  bool inside = false;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    auto line = http::trim(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (line.ends_with('\r'))
      line.remove_suffix(1);
    if (line.empty() || line[0] == '#' || line[0] == ';')
      continue;
    if (line[0] == '[') {
      inside = http::trim(line.substr(1, line.find(']') - 1)) == name;
      continue;
    }
    const auto equals = line.find('=');
    if (inside && equals != std::string_view::npos)
      out[std::string(http::trim(line.substr(0, equals)))] =
          std::string(http::trim(line.substr(equals + 1)));
  }
  return out;
}

std::string or_else(std::string first, const std::string& second) {
  return first.empty() ? second : first;
}

std::string profile_of(const config::sigv4_config& c, const surroundings& from) {
  return or_else(or_else(c.profile, from.environment("AWS_PROFILE")), "default");
}

std::string shared_file(const surroundings& from, const std::string& variable,
                        const std::string& name) {
  return or_else(from.environment(variable), from.environment("HOME") + "/.aws/" + name);
}

}  // namespace

result<std::string> aws_region(const config::sigv4_config& c, const surroundings& from) {
  auto region = or_else(or_else(c.region, from.environment("AWS_REGION")),
                        from.environment("AWS_DEFAULT_REGION"));
  if (region.empty()) {
    const auto profile = profile_of(c, from);
    region = read_section(from, shared_file(from, "AWS_CONFIG_FILE", "config"),
                          profile == "default" ? profile : "profile " + profile)["region"];
  }
  if (region.empty())
    return {errc::invalid_argument, "no region is configured"};
  return region;
}

result<http::sigv4_key> aws_key(const config::sigv4_config& c, const surroundings& from) {
  http::sigv4_key out;
  out.service = or_else(c.service_name, std::string(default_service));
  TROUPE_ASSIGN(out.region, aws_region(c, from));
  out.access_key = c.access_key;
  out.secret_key = c.secret_key.reveal();
  if (out.access_key.empty() && c.profile.empty()) {
    out.access_key = from.environment("AWS_ACCESS_KEY_ID");
    out.secret_key = from.environment("AWS_SECRET_ACCESS_KEY");
    out.session_token = from.environment("AWS_SESSION_TOKEN");
  }
  if (out.access_key.empty()) {
    auto found = read_section(from, shared_file(from, "AWS_SHARED_CREDENTIALS_FILE", "credentials"),
                              profile_of(c, from));
    out.access_key = found["aws_access_key_id"];
    out.secret_key = found["aws_secret_access_key"];
    out.session_token = found["aws_session_token"];
  }
  return out;
}

}  // namespace troupe::credentials
