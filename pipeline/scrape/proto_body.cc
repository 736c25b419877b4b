#include "pipeline/scrape/proto_body.h"

#include "pipeline/parse/classic_histogram.h"
#include "pipeline/parse/number.h"
#include "pipeline/parse/protobuf_parser.h"
#include "pipeline/scrape/body_writer.h"
#include "storage/model/histogram_buckets.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace troupe::scrape {
namespace {

constexpr size_t look_ahead = 4;
/// Labels stand once for all series of a metric. What new series of one body may take together:
/// this, and this many times the body.
constexpr size_t min_label_bytes = 64u << 20;
constexpr size_t label_bytes_per_byte = 8;

/// The series of a metric, each a line of its own for the line cache.
enum class series_kind : uint32_t { plain, count, sum, bucket, quantile, native, converted };

class proto_reader {
 public:
  proto_reader(const body_request& request, const job_rules& job, const labels& target_labels,
               target_memory& memory, scrape_scratch& scratch, write_batch& out,
               body_counts& counts)
      : p_(request.body),
        config_(*job.config),
        memory_(memory),
        scratch_(scratch),
        counts_(counts),
        writer_(request, job, target_labels, memory, scratch, out, counts),
        label_bytes_left_(min_label_bytes + request.body.size() * label_bytes_per_byte) {}

  status run() { return writer_.finish(read()); }

 private:
  status read() {
    while (true) {
      switch (p_.next()) {
        case parse::proto_entry::family:
          start_family();
          break;
        case parse::proto_entry::metric:
          TROUPE_TRY(read_metric());
          break;
        case parse::proto_entry::end:
          return {};
        case parse::proto_entry::error:
          return {errc::invalid_argument, p_.error()};
      }
    }
  }

  void start_family() {
    const auto& f = p_.family();
    family_hash_ = xxh3(f.name, scratch_.line_secret + static_cast<uint64_t>(f.type));
    writer_.add_metadata(f.name, f.type, f.unit, f.help);
  }

  status read_metric() {
    const auto& m = p_.metric();
    metric_hash_ = xxh3(m.label_fields, family_hash_);
    time_ = {m.ts != 0, m.ts};
    switch (p_.family().type) {
      case metric_type::summary:
        return read_summary(m);
      case metric_type::histogram:
      case metric_type::gaugehistogram:
        return read_histogram(m);
      default:
        return read_plain(m);
    }
  }

  status read_plain(const parse::proto_metric& m) {
    TROUPE_ASSIGN(const auto s, find(series_kind::plain, "", {}, 0));
    const auto time = add(s, m.value, m.start);
    if (time && !m.exemplars.empty())
      add_exemplar(s.position, m.exemplars.front(), *time);
    return {};
  }

  status read_summary(const parse::proto_metric& m) {
    TROUPE_TRY(read_totals(m));
    for (const auto& [quantile, value] : m.quantiles) {
      TROUPE_ASSIGN(const auto s, find(series_kind::quantile, "", "quantile", quantile));
      add(s, value, m.start);
    }
    return {};
  }

  status read_totals(const parse::proto_metric& m) {
    TROUPE_ASSIGN(const auto count, find(series_kind::count, "_count", {}, 0));
    add(count, m.count, m.start);
    TROUPE_ASSIGN(const auto sum, find(series_kind::sum, "_sum", {}, 0));
    add(sum, m.sum, m.start);
    return {};
  }

  status read_histogram(const parse::proto_metric& m) {
    const bool native = m.is_native && config_.scrape_native_histograms;
    const bool keeps_classic = config_.always_scrape_classic_histograms;
    if (native)
      TROUPE_TRY(read_native(m));
    const bool converted = !native && config_.convert_classic_histograms_to_nhcb &&
                           p_.family().type == metric_type::histogram;
    if (converted)
      TROUPE_TRY(read_converted(m));
    if (!native && !converted)
      return read_classic(m);
    return keeps_classic && (converted || !m.buckets.empty()) ? read_classic(m) : status();
  }

  status read_native(const parse::proto_metric& m) {
    if (auto s = m.native.validate(); !s.ok())
      return s.with_context("invalid native histogram of metric " + std::string(p_.family().name));
    auto h = std::make_shared<histogram>(m.native);
    compact(*h);
    TROUPE_ASSIGN(const auto s, find(series_kind::native, "", {}, 0));
    store(s, std::move(h), m);
    return {};
  }

  status read_converted(const parse::proto_metric& m) {
    gathered_.clear();
    gathered_.set_count(m.count);
    gathered_.set_sum(m.sum);
    for (const auto& b : m.buckets)
      if (!std::isnan(b.le))
        gathered_.set_bucket(b.le, b.count);
    auto h = gathered_.convert();
    if (!h)
      return {};
    TROUPE_ASSIGN(const auto s, find(series_kind::converted, "", {}, 0));
    store(s, std::move(h), m);
    return {};
  }

  status read_classic(const parse::proto_metric& m) {
    TROUPE_TRY(read_totals(m));
    bool has_last = false;
    for (const auto& b : m.buckets) {
      TROUPE_TRY(read_bucket(m, b));
      has_last = b.le == INFINITY;
      if (has_last)
        break;
    }
    return has_last ? status() : read_bucket(m, {INFINITY, m.count, {}});
  }

  status read_bucket(const parse::proto_metric& m, const parse::proto_bucket& b) {
    TROUPE_ASSIGN(const auto s, find(series_kind::bucket, "_bucket", "le", b.le));
    const auto time = add(s, b.count, m.start);
    if (time && !b.exemplar.empty())
      add_exemplar(s.position, b.exemplar, *time);
    return {};
  }

  // --- series ---

  struct found_series {
    uint32_t position;
    bool is_new;
  };

  // The series with `suffix` behind the family's name and, unless its name is empty, the label
  // `label` of `bound`.
  result<found_series> find(series_kind kind, std::string_view suffix, std::string_view label,
                            double bound) {
    const uint64_t bits = std::bit_cast<uint64_t>(bound);
    const std::string_view bytes(reinterpret_cast<const char*>(&bits), sizeof bits);
    line_entry e{xxh3(bytes, metric_hash_ + static_cast<uint64_t>(kind)),
                 static_cast<uint32_t>(kind), line_entry::dropped};
    const bool cached = !p_.metric().has_late_labels;
    if (const auto line = cached ? known_line(e) : std::nullopt) {
      e = memory_.lines[*line];
      ++counts_.known_lines;
      writer_.step_to(*line, e);
      return found_series{e.ref, false};
    }
    ++counts_.new_lines;
    const std::string value = label.empty() ? "" : parse::float_label(bound);
    scratch_.empty_names.clear();
    TROUPE_TRY(p_.read_labels(std::string(p_.family().name).append(suffix), {label, value},
                              scratch_.builder, &scratch_.empty_names));
    TROUPE_TRY(charge_labels());
    TROUPE_ASSIGN(e.ref, writer_.find_series_of_sample());
    if (cached)
      writer_.remember(e);
    else
      writer_.diverge();
    return found_series{e.ref, true};
  }

  std::optional<size_t> known_line(const line_entry& wanted) {
    for (size_t line = writer_.cursor(); line < writer_.cursor() + look_ahead; ++line)
      if (line < memory_.lines.size() && memory_.lines[line].is(wanted))
        return line;
    return writer_.look_up(wanted);
  }

  status charge_labels() {
    size_t bytes = 0;
    for (const auto& [name, value] : scratch_.builder.pairs())
      bytes += name.size() + value.size();
    if (bytes > label_bytes_left_)
      return {errc::resource_exhausted, "the labels of all series take too much memory"};
    label_bytes_left_ -= bytes;
    return {};
  }

  // --- samples ---

  std::optional<timestamp_ms> add(found_series s, double value, timestamp_ms start) {
    const auto time = writer_.add_float(s.position, s.is_new, time_, value);
    if (time)
      writer_.add_start(start);
    return time;
  }

  void store(found_series s, histogram_ptr h, const parse::proto_metric& m) {
    if (!writer_.add_histogram(s.position, s.is_new, time_, std::move(h), m.start))
      return;
    exemplars_.clear();
    for (const auto message : m.exemplars)
      gather_exemplar(message);
    if (m.exemplars.empty())
      for (const auto& b : m.buckets)
        if (!b.exemplar.empty())
          gather_exemplar(b.exemplar);
    std::stable_sort(exemplars_.begin(), exemplars_.end(),
                     [](const exemplar& a, const exemplar& b) { return a.ts < b.ts; });
    for (auto& e : exemplars_)
      writer_.add_exemplar(s.position, std::move(e));
  }

  // Histograms have no exemplars without a time.
  void gather_exemplar(std::string_view message) {
    exemplar e;
    bool has_time = false;
    if (parse::read_proto_exemplar(message, e, has_time) && has_time)
      exemplars_.push_back(std::move(e));
  }

  void add_exemplar(uint32_t position, std::string_view message, timestamp_ms time) {
    exemplar e;
    bool has_time = false;
    if (!parse::read_proto_exemplar(message, e, has_time))
      return;
    if (!has_time)
      e.ts = time;
    writer_.add_exemplar(position, std::move(e));
  }

  parse::protobuf_parser p_;
  const config::scrape_config& config_;
  target_memory& memory_;
  scrape_scratch& scratch_;
  body_counts& counts_;
  body_writer writer_;
  size_t label_bytes_left_;
  uint64_t family_hash_ = 0;
  uint64_t metric_hash_ = 0;
  exposed_time time_;
  parse::classic_histogram gathered_;
  std::vector<exemplar> exemplars_;
};

}  // namespace

status read_proto_body(const body_request& request, const job_rules& job,
                       const labels& target_labels, target_memory& memory, scrape_scratch& scratch,
                       write_batch& out, body_counts& counts) {
  return proto_reader(request, job, target_labels, memory, scratch, out, counts).run();
}

}  // namespace troupe::scrape
