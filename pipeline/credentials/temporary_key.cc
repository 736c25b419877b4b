#include "pipeline/credentials/temporary_key.h"

#include <boost/json.hpp>
#include <time.h>

namespace troupe::credentials {
namespace {

constexpr size_t most_depth = 8;

std::string text_of(const boost::json::object& in, std::string_view key) {
  const auto* value = in.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

}  // namespace

int64_t aws_time(const std::string& text) {
  tm when{};
  const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &when);
  return rest != nullptr && (*rest == 'Z' || *rest == '.') ? timegm(&when) * 1000 : 0;
}

result<temporary_key> parse_key_answer(std::string_view json) {
  boost::json::error_code bad;
  boost::json::parse_options options;
  options.max_depth = most_depth;
  const auto parsed = boost::json::parse(json, bad, {}, options);
  temporary_key out;
  if (!bad && parsed.is_object()) {
    const auto& all = parsed.get_object();
    out = {text_of(all, "AccessKeyId"), text_of(all, "SecretAccessKey"), text_of(all, "Token"),
           aws_time(text_of(all, "Expiration"))};
  }
  if (!out.complete())
    return {errc::invalid_argument, "the metadata server's answer has no credentials"};
  return out;
}

}  // namespace troupe::credentials
