#include "pipeline/bench/audit.h"

#include "pipeline/client/api_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <unordered_map>

namespace troupe::bench {
namespace {

/// Samples of one query at most.
constexpr uint64_t query_samples = 400'000;

bool same(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

std::string quoted_value(const std::string& text) {
  std::string out = "\"";
  for (const char c : text)
    (out += c == '"' || c == '\\' ? "\\" : "") += c;
  return out + "\"";
}

/// Finds a profile's column by the labels a server gives back.
class column_index {
 public:
  explicit column_index(const profile& shape) {
    for (size_t c = 0; c < shape.width(); ++c)
      columns_.emplace(std::string(shape.series()[c].blob()), c);
  }
  /// profile::line::no_column if it is none of the profile's.
  size_t of(const labels& stored) const {
    labels_builder b(stored);
    const auto at = columns_.find(std::string(b.del("job").del("instance").build().blob()));
    return at == columns_.end() ? profile::line::no_column : at->second;
  }

 private:
  std::unordered_map<std::string, size_t> columns_;
};

result<std::vector<client::stored_series>> query_range(client::api_client& server,
                                                       const std::string& matchers,
                                                       timestamp_ms first, timestamp_ms last) {
  // One millisecond more: the left end of a range does not belong to it.
  auto body = server.call("/api/v1/query",
                          {{"query", fmt::format("{{{}}}[{}ms]", matchers, last - first + 1)},
                           {"time", fmt::format("{}.{:03}", last / 1000, last % 1000)}});
  if (!body.ok())
    return body.error();
  return client::parse_matrix(*body);
}

// VictoriaMetrics shows samples some seconds after it took them, or when told to; others know no
// such path and answer 404.
void show_all(client::api_client& server) {
  server.call("/internal/force_flush", {}).error().ignore();
}

class write_audit {
 public:
  write_audit(const profile_ptr& shape, const ledger& what, client::api_client& server,
              client::progress& shown)
      : shape_(*shape),
        ledger_(what),
        server_(server),
        shown_(shown),
        fleet_(shape, what.header.fleet),
        columns_(*shape) {}

  result<audit_report> run() {
    show_all(server_);
    const auto& f = ledger_.header.fleet;
    for (size_t slot = 0; slot < fleet_.slots(); ++slot)
      for (uint64_t row = 0; row < f.rows; row = fleet_.life(slot, row).second)
        TROUPE_TRY(check_host(slot, row));
    return std::move(report_);
  }

 private:
  void fault(uint64_t& counter, const std::string& what) {
    ++counter;
    if (report_.first_fault.empty())
      report_.first_fault = what;
  }

  outcome of(size_t slot, size_t column, uint64_t row) const {
    const auto& s = ledger_.header.shape;
    return ledger_.at(row / s.rows, (slot * shape_.width() + column) / s.series);
  }

  // All rows of the host that sits in `slot` at `row`.
  status check_host(size_t slot, uint64_t row) {
    const auto [begin, end] = fleet_.life(slot, row);
    const uint64_t host = fleet_.host_at(slot, begin);
    const size_t width = fleet_.width(slot);
    auto source = shape_.source(ledger_.header.fleet.seed, host);
    std::vector<double> whole(shape_.width());
    const uint64_t step = std::max<uint64_t>(query_samples / width, 1);
    for (uint64_t at = begin; at < end; at += step) {
      const uint64_t to = std::min(at + step, end);
      expected_.clear();
      for (uint64_t r = at; r < to; ++r) {
        source->next(whole);
        expected_.insert(expected_.end(), whole.begin(),
                         whole.begin() + static_cast<ptrdiff_t>(width));
      }
      TROUPE_TRY(check_rows(slot, host, at, to));
      shown_.update(report_.checked, ledger_.header.fleet.rows * ledger_.header.fleet.series);
    }
    return {};
  }

  status check_rows(size_t slot, uint64_t host, uint64_t first, uint64_t end) {
    const size_t width = fleet_.width(slot);
    const auto instance = fleet_.instance(host);
    auto stored = query_range(server_, "job=\"bench\",instance=\"" + instance + "\"",
                              fleet_.time_of(host, first), fleet_.time_of(host, end - 1));
    if (!stored.ok())
      return stored.error().with_context("audit");
    seen_.assign((end - first) * width, false);
    for (const auto& s : *stored) {
      const size_t column = columns_.of(s.series);
      if (column >= width) {
        fault(report_.unexpected, s.series.to_string() + " was never sent");
        continue;
      }
      const auto& points = shape_.native() ? s.histograms : s.samples;
      for (size_t i = 0; i < points.size(); ++i)
        check_point(slot, host, column, first, end, s, points[i],
                    shape_.native() ? &s.sums[i] : nullptr);
    }
    for (uint64_t r = first; r < end; ++r) {
      for (size_t c = 0; c < width; ++c) {
        if (of(slot, c, r) != outcome::acked)
          continue;
        ++report_.checked;
        if (!seen_[(r - first) * width + c])
          fault(report_.missing,
                fmt::format("{} of {} at {} ms was acknowledged and is missing",
                            shape_.series()[c].to_string(), instance, fleet_.time_of(host, r)));
      }
    }
    return {};
  }

  void check_point(size_t slot, uint64_t host, size_t column, uint64_t first, uint64_t end,
                   const client::stored_series& s, const sample& p, const double* sum) {
    const auto where = [&] { return fmt::format("{} at {} ms", s.series.to_string(), p.ts); };
    const int64_t offset = p.ts - fleet_.time_of(host, 0);
    const int64_t step = ledger_.header.fleet.step_ms;
    const auto row = static_cast<uint64_t>(offset / step);
    if (offset < 0 || offset % step != 0 || row < first || row >= end)
      return fault(report_.unexpected, where() + ": no sample was sent for this instant");
    const size_t width = fleet_.width(slot), at = (row - first) * width + column;
    const auto sent = of(slot, column, row);
    if (seen_[at] || sent == outcome::unsent || sent == outcome::refused)
      return fault(report_.unexpected,
                   where() + (seen_[at] ? " is there twice" : " was not accepted and is there"));
    seen_[at] = true;
    double value = expected_[at];
    bool equal = true;
    if (sum != nullptr) {
      const auto h = shape_.native_value(column, value);
      value = h.count;
      equal = same(*sum, h.sum);
    }
    if (!equal || !same(p.value, value))
      fault(report_.wrong, fmt::format("{} is {}, sent was {}", where(), p.value, value));
  }

  const profile& shape_;
  const ledger& ledger_;
  client::api_client& server_;
  client::progress& shown_;
  fleet fleet_;
  column_index columns_;
  std::vector<double> expected_;
  std::vector<bool> seen_;
  audit_report report_;
};

}  // namespace

result<audit_report> audit_writes(const profile_ptr& shape, const ledger& what,
                                  client::api_client& server, client::progress& shown) {
  return write_audit(shape, what, server, shown).run();
}

result<audit_report> audit_scrapes(const profile_ptr& shape, uint64_t seed,
                                   const std::vector<served_target>& targets,
                                   client::api_client& server, client::progress& shown) {
  show_all(server);
  audit_report report;
  const column_index columns(*shape);
  const auto fault = [&](uint64_t& counter, uint64_t n, const std::string& what) {
    counter += n;
    if (report.first_fault.empty())
      report.first_fault = what;
  };
  std::vector<double> row(shape->width());
  std::vector<std::vector<double>> sent(shape->width());
  for (size_t i = 0; i < targets.size(); ++i) {
    const auto& t = targets[i];
    auto stored = query_range(server, "instance=" + quoted_value(t.instance), t.begin, t.end);
    if (!stored.ok())
      return stored.error().with_context("audit");
    for (auto& s : sent)
      s.clear();
    auto source = shape->source(seed, t.host);
    for (uint64_t r = 0; r < t.rows; ++r) {
      source->next(row);
      for (size_t c = 0; c < row.size(); ++c)
        sent[c].push_back(row[c]);
    }
    std::vector<bool> found(shape->width(), false);
    for (const auto& s : *stored) {
      const size_t column = columns.of(s.series);
      // The server's own series of a scrape (up, scrape_*) are none of the profile's.
      if (column == profile::line::no_column)
        continue;
      found[column] = true;
      const auto& want = sent[column];
      const size_t common = std::min(want.size(), s.samples.size());
      report.checked += want.size() > 0 ? want.size() - 1 : 0;
      for (size_t r = 0; r < common; ++r)
        if (!same(s.samples[r].value, want[r]))
          fault(report.wrong, 1,
                fmt::format("{} at {} ms is {}, served was {}", s.series.to_string(),
                            s.samples[r].ts, s.samples[r].value, want[r]));
      if (s.samples.size() > want.size())
        fault(report.unexpected, s.samples.size() - want.size(),
              s.series.to_string() + " has samples that were never served");
      if (s.samples.size() + 1 < want.size())
        fault(report.missing, want.size() - 1 - s.samples.size(),
              fmt::format("{} has {} samples, served were {}", s.series.to_string(),
                          s.samples.size(), want.size()));
    }
    for (size_t c = 0; c < found.size() && t.rows > 1; ++c)
      if (!found[c]) {
        report.checked += t.rows - 1;
        fault(report.missing, t.rows - 1,
              shape->series()[c].to_string() + " of " + t.instance + " is missing");
      }
    shown.update(i + 1, targets.size());
  }
  return report;
}

}  // namespace troupe::bench
