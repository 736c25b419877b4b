#include "actors/commands/replay_output.h"

#include "storage/base/civil_time.h"

#include <fmt/format.h>

namespace troupe::actors {

namespace {

using replay::replay_counts;

std::string time_of(timestamp_ms t) {
  return t == min_time || t == max_time ? "-" : format_rfc3339(t);
}

void add_counts(figures& to, const replay_counts& c, bool dry_run) {
  to.add("records", c.records);
  to.add("samples_read", c.samples);
  to.add(dry_run ? "samples_to_write" : "samples_written",
         dry_run ? c.samples - c.outside : c.written);
  to.add("samples_outside", c.outside);
  to.add("samples_refused", c.refused);
  to.add("histograms_not_carried", c.not_carried);
  to.add("samples_unreadable", c.unreadable);
  to.add("records_poisoned", c.poisoned);
  to.add("gaps", c.gaps);
  to.add("series", c.series);
  if (c.first != max_time) {
    to.add("first", format_rfc3339(c.first));
    to.add("last", format_rfc3339(c.last));
  }
}

std::string line(const std::string& name, const replay_counts& c, bool dry_run) {
  return fmt::format("{:>9} {:>10} {:>12} {:>12} {:>12} {:>9} {:>10} {:>8} {:>5} {:>9}  {:24} {}\n",
                     name, c.records, c.samples, dry_run ? c.samples - c.outside : c.written,
                     c.outside, c.refused + c.not_carried, c.unreadable, c.poisoned, c.gaps,
                     c.series, time_of(c.first), time_of(c.last));
}

}  // namespace

figures as_figures(const replay::replay_report& r, bool dry_run) {
  figures out;
  std::vector<figures> partitions;
  for (const auto& p : r.partitions) {
    figures f;
    f.add("partition", uint64_t{p.number});
    f.add("done", std::string(p.done ? "true" : "false"));
    add_counts(f, p.counts, dry_run);
    partitions.push_back(std::move(f));
  }
  out.add("partitions", std::move(partitions));
  add_counts(out, r.total, dry_run);
  out.add("requests", r.requests);
  out.add("retries", r.retries);
  if (r.requests > 0)
    out.add("protocol", std::string(r.protocol == remote::write_protocol::v1 ? "1.0" : "2.0"));
  if (!r.first_refusal.empty())
    out.add("first_refusal", r.first_refusal);
  if (!r.first_unreadable.empty())
    out.add("first_unreadable", r.first_unreadable);
  std::vector<figures> notes;
  for (const auto& n : r.notes) {
    figures f;
    f.add("note", n);
    notes.push_back(std::move(f));
  }
  out.add("notes", std::move(notes));
  if (!r.failed.ok())
    out.add("error", std::string(r.failed.message()));
  return out;
}

std::string as_text(const replay::replay_report& r, bool dry_run) {
  if (r.partitions.empty())
    return "";
  std::string out =
      fmt::format("{:>9} {:>10} {:>12} {:>12} {:>12} {:>9} {:>10} {:>8} {:>5} {:>9}  {:24} {}\n",
                  "partition", "records", "samples", dry_run ? "to write" : "written", "outside",
                  "refused", "unreadable", "poisoned", "gaps", "series", "first", "last");
  for (const auto& p : r.partitions)
    out += line(fmt::format("{}{}", p.number, p.done ? "" : "*"), p.counts, dry_run);
  out += line("all", r.total, dry_run);
  if (r.total.not_carried > 0)
    out += fmt::format(
        "{} histograms have custom buckets, which the receiver's version of remote write has not\n",
        r.total.not_carried);
  if (!r.first_refusal.empty())
    out += "first refusal: " + r.first_refusal + "\n";
  if (!r.first_unreadable.empty())
    out += "first unreadable: " + r.first_unreadable + "\n";
  for (const auto& n : r.notes)
    out += n + "\n";
  for (const auto& p : r.partitions)
    if (!p.done)
      return out + "*: not read to its end\n";
  return out;
}

}  // namespace troupe::actors
