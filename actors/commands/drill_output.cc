#include "actors/commands/drill_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>

namespace troupe::actors {

namespace {

using drill::audit_result;
using drill::destination_report;
using drill::shortfall;

double in_seconds(int64_t ms) {
  return static_cast<double>(ms) / 1000;
}

std::string shown(std::optional<int64_t> ms) {
  return ms ? fmt::format("{:.2f} s", in_seconds(*ms)) : "-";
}

std::string shown(const std::optional<shortfall>& s) {
  return s ? fmt::format("{:.2f} s ({})", in_seconds(s->ms), s->samples) : "-";
}

void add_time(figures& to, std::string_view name, std::optional<int64_t> ms) {
  if (ms)
    to.add(name, in_seconds(*ms));
}

void add_shortfall(figures& to, const std::string& name, const std::optional<shortfall>& s) {
  if (!s)
    return;
  to.add(name + "_seconds", in_seconds(s->ms));
  to.add(name + "_samples", s->samples);
}

void add_audit(figures& to, const std::optional<audit_result>& a) {
  if (!a)
    return;
  to.add("missing", a->missing);
  to.add("different", a->different);
  to.add("doubled", a->doubled);
}

std::string audit_columns(const std::optional<audit_result>& a) {
  if (!a)
    return fmt::format("{:>8} {:>9} {:>8}", "-", "-", "-");
  return fmt::format("{:>8} {:>9} {:>8}", a->missing, a->different, a->doubled);
}

std::vector<figures> lines_of(std::string_view name, const std::vector<std::string>& lines) {
  std::vector<figures> out;
  for (const auto& l : lines)
    out.emplace_back().add(name, l);
  return out;
}

figures figures_of(const destination_report& d) {
  figures f;
  f.add("url", d.url);
  f.add("cut", std::string(d.is_cut ? "true" : "false"));
  add_time(f, "usual_seconds", d.usual_ms);
  add_shortfall(f, "rpo", d.at_cut);
  add_shortfall(f, "backlog", d.backlog);
  add_time(f, "rto_newest_seconds", d.rto_newest_ms);
  add_time(f, "rto_all_seconds", d.rto_all_ms);
  add_audit(f, d.audit);
  return f;
}

}  // namespace

figures as_figures(const drill::drill_report& r, const std::vector<std::string>& faults) {
  figures out;
  out.add("drill", r.id);
  out.add("good", std::string(faults.empty() ? "true" : "false"));
  out.add("samples", r.written);
  figures source;
  add_audit(source, r.source);
  out.add("source", std::vector<figures>{source});
  std::vector<figures> all;
  for (const auto& d : r.destinations)
    all.push_back(figures_of(d));
  out.add("destinations", std::move(all));
  out.add("faults", lines_of("fault", faults));
  out.add("notes", lines_of("note", r.notes));
  return out;
}

std::string as_text(const drill::drill_report& r) {
  size_t width = std::string_view("destination").size();
  for (const auto& d : r.destinations)
    width = std::max(width, d.url.size() + 1);
  std::string out;
  if (r.written > 0) {
    out = fmt::format("{:{}} {:>9} {:>16} {:>18} {:>10} {:>10} {:>8} {:>9} {:>8}\n", "destination",
                      width, "usual", "RPO (samples)", "backlog (samples)", "RTO newest", "RTO all",
                      "missing", "different", "doubled");
    bool any_past = false;
    for (const auto& d : r.destinations) {
      any_past = any_past || !d.is_cut;
      out +=
          fmt::format("{:{}} {:>9} {:>16} {:>18} {:>10} {:>10} {}\n", d.url + (d.is_cut ? "" : "*"),
                      width, shown(d.usual_ms), shown(d.at_cut), shown(d.backlog),
                      shown(d.rto_newest_ms), shown(d.rto_all_ms), audit_columns(d.audit));
    }
    out += fmt::format("{:{}} {:>67} {}\n", "source", width, "", audit_columns(r.source));
    if (any_past)
      out += "*: has the series another way than by Kafka\n";
  }
  for (const auto& n : r.notes)
    out += n + "\n";
  return out;
}

}  // namespace troupe::actors
