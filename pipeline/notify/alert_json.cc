#include "pipeline/notify/alert_json.h"

#include "query/parser/printer.h"
#include "storage/base/civil_time.h"

namespace troupe::notify {
namespace {

void append_text(std::string& out, std::string_view key, std::string_view text) {
  out.append("\"").append(key).append("\":");
  query::append_json_string(out, text);
}

// Of labels and of maps.
template <class Pairs>
void append_pairs(std::string& out, std::string_view key, const Pairs& pairs) {
  out.append("\"").append(key).append("\":{");
  bool first = true;
  for (const auto& [name, value] : pairs) {
    if (!first)
      out += ',';
    first = false;
    query::append_json_string(out, name);
    out += ':';
    query::append_json_string(out, value);
  }
  out += '}';
}

}  // namespace

std::string alerts_json(std::span<const alert_ptr> alerts) {
  std::string out = "[";
  for (const auto& a : alerts) {
    out += out.size() > 1 ? ",{" : "{";
    append_pairs(out, "annotations", a->annotations);
    out += ',';
    append_text(out, "endsAt", format_rfc3339(a->ends_at));
    out += ',';
    append_text(out, "startsAt", format_rfc3339(a->starts_at));
    out += ',';
    append_text(out, "generatorURL", a->generator_url);
    out += ',';
    append_pairs(out, "labels", a->identity);
    out += '}';
  }
  return out + ']';
}

}  // namespace troupe::notify
