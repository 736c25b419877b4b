#include "pipeline/notify/alert_json.h"

#include "query/parser/json_fields.h"
#include "storage/base/civil_time.h"

namespace troupe::notify {

std::string alerts_json(std::span<const alert_ptr> alerts) {
  std::string out = "[";
  for (const auto& a : alerts) {
    out += out.size() > 1 ? ",{" : "{";
    query::append_json_pairs(out, "annotations", a->annotations);
    out += ',';
    query::append_json_text(out, "endsAt", format_rfc3339(a->ends_at));
    out += ',';
    query::append_json_text(out, "startsAt", format_rfc3339(a->starts_at));
    out += ',';
    query::append_json_text(out, "generatorURL", a->generator_url);
    out += ',';
    query::append_json_pairs(out, "labels", a->identity);
    out += '}';
  }
  return out + ']';
}

}  // namespace troupe::notify
