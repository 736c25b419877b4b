#include "pipeline/drill/report.h"

#include "storage/base/duration.h"

#include <fmt/format.h>

#include <string_view>

namespace troupe::drill {
namespace {

using fault_list = std::vector<std::string>;

void add_audit(fault_list& to, const std::string& url, const std::optional<audit_result>& a) {
  if (!a) {
    to.push_back(url + ": not compared");
    return;
  }
  if (!a->is_clean())
    to.push_back(fmt::format("{}: of {} samples {} are missing, {} are different, {} are doubled",
                             url, a->expected, a->missing, a->different, a->doubled));
}

void add_limit(fault_list& to, const std::string& url, std::string_view what,
               std::optional<int64_t> ms, std::optional<int64_t> most) {
  if (ms && most && *ms > *most)
    to.push_back(fmt::format("{}: {} of {} is more than {}", url, what, format_duration(*ms),
                             format_duration(*most)));
}

}  // namespace

std::vector<std::string> drill_report::faults(const drill_options& o) const {
  fault_list out;
  if (!failed.ok())
    return {std::string(failed.message())};
  if (o.dry_run)
    return out;
  add_audit(out, "source", source);
  for (const auto& d : destinations) {
    add_audit(out, d.url, d.audit);
    if (!d.rto_newest_ms || !d.rto_all_ms)
      out.push_back(d.url + ": not all was back in time");
    if (kind == drill_kind::region && d.came_past)
      out.push_back(d.url + ": was not cut off, samples came another way");
    add_limit(out, d.url, "an RPO", d.at_cut ? std::optional(d.at_cut->ms) : std::nullopt,
              o.max_rpo_ms);
    add_limit(out, d.url, "an RTO", d.rto_all_ms, o.max_rto_ms);
  }
  return out;
}

}  // namespace troupe::drill
