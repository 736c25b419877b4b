#include "pipeline/otlp/translator.h"

#include "pipeline/otlp/delta_streams.h"
#include "pipeline/otlp/native.h"
#include "query/parser/number_text.h"
#include "storage/base/quote.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace troupe::otlp {

namespace {

// Precedence of what names a label.
enum rank : int { scope_itself, of_scope, of_service, of_attribute, of_promoted };

constexpr std::string_view job_label = "job", instance_label = "instance";
constexpr std::string_view service_name = "service.name", service_namespace = "service.namespace",
                           service_instance = "service.instance.id";
constexpr std::string_view scope_prefix = "otel_scope_";
constexpr std::string_view target_info = "target_info";
constexpr size_t max_exemplar_characters = 128;
constexpr size_t max_cached_names = 4096;
/// Of one request and resource: how often target_info is repeated at most.
constexpr int64_t max_repeats = 1000;

bool is_identifying(std::string_view attribute) {
  return attribute == service_name || attribute == service_namespace ||
         attribute == service_instance;
}

/// The value of the first attribute of that name, or null.
const attribute* find(std::span<const attribute> all, std::string_view key) {
  const auto at =
      std::find_if(all.begin(), all.end(), [&](const attribute& a) { return a.key == key; });
  return at != all.end() ? &*at : nullptr;
}

timestamp_ms to_ms(uint64_t ns) {
  return static_cast<int64_t>(ns) / 1'000'000;
}

metric_type type_of(const metric& m) {
  switch (m.kind) {
    case metric_kind::gauge:
      return metric_type::gauge;
    case metric_kind::summary:
      return metric_type::summary;
    case metric_kind::none:
      return metric_type::unknown;
    default:
      break;
  }
  if (m.aggregation == temporality::delta)
    return metric_type::unknown;
  if (m.kind != metric_kind::sum)
    return metric_type::histogram;
  return m.monotonic ? metric_type::counter : metric_type::gauge;
}

bool has_temporality(metric_kind k) {
  return k == metric_kind::sum || k == metric_kind::histogram || k == metric_kind::exponential;
}

std::string hex(std::string_view bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += digits[static_cast<uint8_t>(c) >> 4];
    out += digits[c & 15];
  }
  return out;
}

}  // namespace

result<std::string_view> translator::label_name_of(std::string_view attribute) {
  if (const auto at = label_names_.find(std::string(attribute)); at != label_names_.end())
    return std::string_view(at->second);
  TROUPE_ASSIGN(auto name, label_name(attribute, settings_.names));
  return std::string_view(
      label_names_.emplace(std::string(attribute), std::move(name)).first->second);
}

/// Names outlive the cache.
status translator::add_owned(std::span<const attribute> from, std::string_view prefix, int rank,
                             texts& names, ranked_labels& to) {
  for (const auto& a : from) {
    TROUPE_ASSIGN(auto name, label_name(std::string(prefix).append(a.key), settings_.names));
    to.push_back({names.emplace_back(std::move(name)), a.value, rank});
  }
  return {};
}

void translator::begin_resource(std::span<const attribute> attributes) {
  resource_ = attributes;
  job_.clear();
  instance_.clear();
  promoted_.clear();
  resource_texts_.clear();
  earliest_ns_ = UINT64_MAX;
  latest_ns_ = 0;
  if (const auto* name = find(attributes, service_name)) {
    const auto* space = find(attributes, service_namespace);
    job_ = space ? std::string(space->value).append("/").append(name->value)
                 : std::string(name->value);
  }
  if (const auto* instance = find(attributes, service_instance))
    instance_ = instance->value;
  attributes_.clear();
  for (const auto& a : attributes)
    if (settings_.resource_attributes.contains(a.key) != settings_.promote_all)
      attributes_.push_back(a);
  // Of names that become one the last counts.
  std::reverse(attributes_.begin(), attributes_.end());
  resource_refusal_ = add_owned(attributes_, "", of_promoted, resource_texts_, promoted_).message();
}

void translator::begin_scope(const scope& s) {
  scope_labels_.clear();
  scope_texts_.clear();
  scope_refusal_.clear();
  if (!settings_.promote_scope || s.name.empty())
    return;
  scope_labels_ = {{"otel_scope_name", s.name, scope_itself},
                   {"otel_scope_version", s.version, scope_itself},
                   {"otel_scope_schema_url", s.schema_url, scope_itself}};
  attributes_.clear();
  for (auto at = s.attributes.rbegin(); at != s.attributes.rend(); ++at)
    attributes_.push_back(*at);
  scope_refusal_ =
      add_owned(attributes_, scope_prefix, of_scope, scope_texts_, scope_labels_).message();
}

void translator::begin_metric(const metric& m) {
  metric_ = m;
  metric_refusal_.clear();
  described_ = false;
  const bool accepted = m.aggregation == temporality::cumulative ||
                        (settings_.accept_delta && m.aggregation == temporality::delta);
  if (has_temporality(m.kind) && !accepted) {
    metric_refusal_ =
        "invalid temporality and type combination for metric " + quoted(m.name.substr(0, 256));
    return;
  }
  auto name = metric_name(m, settings_.names);
  if (name.ok())
    name_ = std::move(*name);
  else
    metric_refusal_ = name.error().message();
}

void translator::describe() {
  if (std::exchange(described_, true))
    return;
  const auto unit = unit_name(metric_.unit);
  out_.add(remote::metadata_fields{name_, type_of(metric_), unit, metric_.description});
}

void translator::add(const data_point& p) {
  earliest_ns_ = std::min(earliest_ns_, p.time_ns);
  latest_ns_ = std::max(latest_ns_, p.time_ns);
  for (const auto* why : {&metric_refusal_, &resource_refusal_, &scope_refusal_})
    if (!why->empty())
      return out_.refuse_sample(*why);
  if (auto made = make_labels(p); !made.ok())
    return out_.refuse_sample(made.message());
  switch (metric_.kind) {
    case metric_kind::histogram:
      if (settings_.custom_buckets)
        add_native(p, custom_histogram(p));
      else
        add_classic(p);
      break;
    case metric_kind::exponential: {
      auto h = exponential_histogram(p);
      if (!h.ok())
        return out_.refuse_sample(h.error().message());
      add_native(p, std::move(*h));
      break;
    }
    case metric_kind::summary:
      add_summary(p);
      break;
    default:
      add_number(p);
  }
  describe();
}

// --- labels ---

/// Values of names that become one are joined, in the order of the attributes' names.
template <class Ignored>
status translator::add_attributes(std::span<const attribute> from, Ignored ignored) {
  attributes_.clear();
  for (const auto& a : from)
    if (!a.value.empty() && !ignored(a.key))
      attributes_.push_back(a);
  std::stable_sort(attributes_.begin(), attributes_.end(),
                   [](const attribute& a, const attribute& b) { return a.key < b.key; });
  for (const auto& a : attributes_) {
    TROUPE_ASSIGN(const auto name, label_name_of(a.key));
    labels_.push_back({name, a.value, of_attribute});
  }
  join_equal_names();
  return {};
}

void translator::join_equal_names() {
  const auto by_name = [](const ranked_label& a, const ranked_label& b) { return a.name < b.name; };
  if (!std::is_sorted(labels_.begin(), labels_.end(), by_name))
    std::stable_sort(labels_.begin(), labels_.end(), by_name);
  size_t kept = 0;
  for (size_t i = 0; i < labels_.size();) {
    size_t end = i + 1;
    while (end < labels_.size() && labels_[end].name == labels_[i].name)
      ++end;
    ranked_label out = labels_[i];
    if (end - i > 1) {
      std::string& joined = texts_.emplace_back(out.value);
      for (size_t k = i + 1; k < end; ++k)
        joined.append(";").append(labels_[k].value);
      out.value = joined;
    }
    labels_[kept++] = out;
    i = end;
  }
  labels_.resize(kept);
}

void translator::add_job_and_instance() {
  if (!job_.empty())
    labels_.push_back({job_label, job_, of_service});
  if (!instance_.empty())
    labels_.push_back({instance_label, instance_, of_service});
}

void translator::merge_labels() {
  std::stable_sort(labels_.begin(), labels_.end(),
                   [](const ranked_label& a, const ranked_label& b) {
                     return a.name != b.name ? a.name < b.name : a.rank < b.rank;
                   });
  labels_.erase(
      std::unique(labels_.begin(), labels_.end(),
                  [](const ranked_label& a, const ranked_label& b) { return a.name == b.name; }),
      labels_.end());
}

status translator::make_labels(const data_point& p) {
  if (label_names_.size() > max_cached_names)
    label_names_.clear();
  labels_.clear();
  texts_.clear();
  TROUPE_TRY(
      add_attributes(p.attributes, [](std::string_view key) { return key == metric_name_label; }));
  add_job_and_instance();
  labels_.insert(labels_.end(), promoted_.begin(), promoted_.end());
  labels_.insert(labels_.end(), scope_labels_.begin(), scope_labels_.end());
  merge_labels();
  return {};
}

void translator::begin_series(std::string_view suffix, label_view extra) {
  series_name_.assign(name_).append(suffix);
  series_labels_.clear();
  for (const auto& l : labels_)
    if (l.name != metric_name_label && l.name != extra.name)
      series_labels_.push_back({l.name, l.value});
  if (!extra.name.empty())
    series_labels_.push_back(extra);
  series_labels_.push_back({metric_name_label, series_name_});
  out_.begin_series(series_labels_);
}

// --- data points ---

void translator::add_float(std::string_view suffix, double value, const data_point& p,
                           label_view extra) {
  begin_series(suffix, extra);
  // A gauge starts with every value.
  const bool starts = metric_.kind != metric_kind::gauge;
  out_.add(to_ms(p.time_ns), p.no_value ? stale_nan() : value,
           starts ? to_ms(p.start_ns) : no_start_timestamp);
}

void translator::add_number(const data_point& p) {
  add_float("", p.value, p);
  if (metric_.kind == metric_kind::sum)
    add_exemplars(p);
}

void translator::add_native(const data_point& p, histogram_ptr h) {
  begin_series("");
  out_.add(to_ms(p.time_ns), std::move(h), to_ms(p.start_ns));
  add_exemplars(p);
}

void translator::add_summary(const data_point& p) {
  add_float("_sum", p.sum.value_or(0), p);
  add_float("_count", static_cast<double>(p.count), p);
  for (const auto& q : p.quantiles)
    add_float("", q.value, p, {"quantile", query::fixed(q.quantile)});
}

void translator::add_classic(const data_point& p) {
  if (p.sum)
    add_float("_sum", *p.sum, p);
  add_float("_count", static_cast<double>(p.count), p);
  // Each exemplar is its bucket's: that of the least bound that is not below.
  const size_t buckets = std::min(p.bounds.size(), p.bucket_counts.size());
  std::vector<size_t> by_bound;
  for (size_t i = 0; i < buckets; ++i)
    if (!std::isinf(p.bounds[i]) || p.bounds[i] < 0)
      by_bound.push_back(i);
  std::stable_sort(by_bound.begin(), by_bound.end(),
                   [&](size_t a, size_t b) { return p.bounds[a] < p.bounds[b]; });
  std::vector<std::pair<size_t, const point_exemplar*>> placed;
  for (const auto& e : p.exemplars) {
    const auto at = std::lower_bound(by_bound.begin(), by_bound.end(), e.value.value_or(0),
                                     [&](size_t i, double value) { return p.bounds[i] < value; });
    placed.emplace_back(at != by_bound.end() ? *at : buckets, &e);
  }
  std::stable_sort(placed.begin(), placed.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  auto next = placed.begin();
  const auto add_bucket = [&](size_t i, double count, const std::string& le) {
    add_float("_bucket", count, p, {"le", le});
    for (; next != placed.end() && next->first == i; ++next)
      add_exemplar(*next->second);
  };
  uint64_t count = 0;
  for (size_t i = 0; i < buckets; ++i) {
    count += p.bucket_counts[i];
    // The series of +Inf is that of the count.
    if (!std::isinf(p.bounds[i]) || p.bounds[i] < 0)
      add_bucket(i, static_cast<double>(count), query::fixed(p.bounds[i]));
  }
  add_bucket(buckets, static_cast<double>(p.count), "+Inf");
}

void translator::add_exemplars(const data_point& p) {
  for (const auto& e : p.exemplars)
    add_exemplar(e);
}

void translator::add_exemplar(const point_exemplar& e) {
  if (!e.value)
    return out_.refuse_exemplar("exemplar without a value");
  remote::exemplar_fields out;
  out.value = *e.value;
  out.ts = to_ms(e.time_ns);
  const std::string trace = hex(e.trace_id), span = hex(e.span_id);
  if (!trace.empty())
    out.labels.push_back({"trace_id", trace});
  if (!span.empty())
    out.labels.push_back({"span_id", span});
  const size_t ids = out.labels.size();
  for (const auto& a : e.attributes)
    if ((a.key != "trace_id" || trace.empty()) && (a.key != "span_id" || span.empty()))
      out.labels.push_back({a.key, a.value});
  size_t characters = 0;
  for (const auto& l : out.labels)
    characters += remote::characters(l.name) + remote::characters(l.value);
  // Attributes that do not fit are left out, the ids are not.
  if (characters > max_exemplar_characters)
    out.labels.resize(ids);
  out_.add(std::move(out));
}

// --- resources ---

void translator::end_resource() {
  if (earliest_ns_ != UINT64_MAX)
    add_target_info();
}

void translator::add_target_info() {
  const auto others =
      static_cast<size_t>(std::count_if(resource_.begin(), resource_.end(),
                                        [](const attribute& a) { return !is_identifying(a.key); }));
  if (others == 0)
    return;
  labels_.clear();
  texts_.clear();
  const auto made = add_attributes(resource_, [&](std::string_view key) {
    return !settings_.keep_identifying && is_identifying(key);
  });
  if (!made.ok())
    return out_.refuse_sample(std::string(target_info).append(": ").append(made.message()));
  add_job_and_instance();
  merge_labels();
  // Of no use if it cannot be joined to other series.
  if (std::none_of(labels_.begin(), labels_.end(), [](const ranked_label& l) {
        return l.name == job_label || l.name == instance_label;
      }))
    return;
  name_ = target_info;
  out_.add(remote::metadata_fields{target_info, metric_type::gauge, "", "Target metadata"});
  begin_series("");
  // Repeated, so that every query of the time between finds it.
  const timestamp_ms step = std::max<int64_t>(settings_.lookback_ms / 2, 1);
  const timestamp_ms last = to_ms(latest_ns_);
  for (auto at = std::max(to_ms(earliest_ns_), last - max_repeats * step); at < last; at += step)
    out_.add(at, 1.0);
  out_.add(last, 1.0);
}

namespace {

/// Takes everything.
class no_sink final : public metrics_sink {
 public:
  void begin_resource(std::span<const attribute>) override {}
  void begin_scope(const scope&) override {}
  void begin_metric(const metric&) override {}
  void add(const data_point&) override {}
  void end_resource() override {}
  bool full() const override { return false; }
};

using read_function = status (*)(std::string_view, metrics_sink&);

result<remote::decoded_write> decode(read_function read, std::string_view request,
                                     const settings& s, remote::series_cache& known,
                                     const remote::write_limits& limits) {
  translator to(s, known, limits, request.size());
  if (s.deltas == nullptr) {
    TROUPE_TRY(read(request, to));
    return to.done();
  }
  // Nothing of a request that is refused as a whole may be added to a stream.
  no_sink nothing;
  TROUPE_TRY(read(request, nothing));
  s.deltas->expire();
  cumulative_sink sums(*s.deltas, to, [&to](std::string_view why) { to.refuse(why); });
  TROUPE_TRY(read(request, sums));
  return to.done();
}

}  // namespace

result<remote::decoded_write> decode_protobuf(std::string_view request, const settings& s,
                                              remote::series_cache& known,
                                              const remote::write_limits& limits) {
  return decode(read_protobuf, request, s, known, limits);
}

result<remote::decoded_write> decode_json(std::string_view request, const settings& s,
                                          remote::series_cache& known,
                                          const remote::write_limits& limits) {
  return decode(read_json, request, s, known, limits);
}

}  // namespace troupe::otlp
