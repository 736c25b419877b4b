#include "pipeline/push/pushed_body.h"

#include "pipeline/parse/exposition_text.h"
#include "pipeline/parse/number.h"
#include "pipeline/parse/openmetrics_parser.h"
#include "pipeline/parse/protobuf_parser.h"
#include "pipeline/parse/text_parser.h"
#include "pipeline/push/push_store.h"
#include "storage/base/check.h"
#include "storage/base/quote.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

namespace troupe::push {
namespace {

constexpr std::string_view instance_label = "instance";

std::string text_of(double v) {
  std::string out;
  parse::append_value(out, v);
  return out;
}

class pushed_reader {
 public:
  explicit pushed_reader(const grouping& group) : group_(group) {}

  template <class Parser>
  status read_text(std::string_view body) {
    Parser p(body);
    for (;;) {
      switch (p.next()) {
        case parse::entry::series:
          if (p.has_timestamp())
            return {errc::invalid_argument, "pushed metrics must not have timestamps"};
          builder_.clear();
          TROUPE_TRY(p.read_labels(builder_));
          TROUPE_TRY(add(family_of(builder_.get(metric_name_label)), p.value()));
          break;
        case parse::entry::type:
          TROUPE_TRY(set_type(p.family(), p.type()));
          break;
        case parse::entry::help:
          families_[p.family()].help = p.text();
          break;
        case parse::entry::unit:
        case parse::entry::comment:
          break;
        case parse::entry::end:
          return {};
        case parse::entry::error:
          return {errc::invalid_argument, p.error()};
      }
    }
  }

  status read_protobuf(std::string_view body) {
    parse::protobuf_parser p(body);
    for (;;) {
      switch (p.next()) {
        case parse::proto_entry::family: {
          const auto& f = p.family();
          TROUPE_TRY(set_type(std::string(f.name), f.type));
          families_[std::string(f.name)].help = f.help;
          break;
        }
        case parse::proto_entry::metric:
          TROUPE_TRY(add_metric(p));
          break;
        case parse::proto_entry::end:
          return {};
        case parse::proto_entry::error:
          return {errc::invalid_argument, p.error()};
      }
    }
  }

  std::vector<pushed_family> done() {
    std::vector<pushed_family> out;
    for (auto& [name, f] : families_) {
      if (f.series.empty())
        continue;
      f.name = name;
      out.push_back(std::move(f));
    }
    return out;
  }

 private:
  status set_type(const std::string& family, metric_type type) {
    auto& f = families_[family];
    if (f.type != metric_type::unknown && f.type != type)
      return {errc::invalid_argument, "metric family " + quoted(family) + " has two types"};
    f.type = type;
    return {};
  }

  /// The family a series of this name belongs to.
  std::string family_of(std::string_view name) const {
    for (const std::string_view suffix : {"_bucket", "_sum", "_count"}) {
      if (!name.ends_with(suffix))
        continue;
      const auto f = families_.find(std::string(name.substr(0, name.size() - suffix.size())));
      if (f == families_.end())
        continue;
      const bool buckets = f->second.type == metric_type::histogram;
      if (buckets || (f->second.type == metric_type::summary && suffix != "_bucket"))
        return f->first;
    }
    return std::string(name);
  }

  status add_metric(const parse::protobuf_parser& p) {
    const auto& m = p.metric();
    const std::string family(p.family().name);
    if (m.ts != 0)
      return {errc::invalid_argument, "pushed metrics must not have timestamps"};
    if (m.is_native && m.buckets.empty())
      return {errc::invalid_argument,
              "native histogram " + quoted(family) + " has no classic buckets to push"};
    const auto put = [&](std::string_view suffix, label_view extra, double value) -> status {
      builder_.clear();
      TROUPE_TRY(p.read_labels(family + std::string(suffix), extra, builder_, nullptr));
      return add(family, value);
    };
    switch (p.family().type) {
      case metric_type::summary:
        for (const auto& [q, v] : m.quantiles)
          TROUPE_TRY(put("", {"quantile", text_of(q)}, v));
        break;
      case metric_type::histogram:
      case metric_type::gaugehistogram: {
        bool last = false;
        for (const auto& b : m.buckets) {
          last = last || std::isinf(b.le);
          TROUPE_TRY(put("_bucket", {"le", text_of(b.le)}, b.count));
        }
        if (!last)
          TROUPE_TRY(put("_bucket", {"le", "+Inf"}, m.count));
        break;
      }
      default:
        return put("", {}, m.value);
    }
    TROUPE_TRY(put("_sum", {}, m.sum));
    return put("_count", {}, m.count);
  }

  /// A bound or quantile as a Pushgateway shows it, which keeps the number.
  status settle_bound(const std::string& family) {
    const auto f = families_.find(family);
    const auto type = f == families_.end() ? metric_type::unknown : f->second.type;
    const std::string_view name = type == metric_type::histogram ? "le"
                                  : type == metric_type::summary ? "quantile"
                                                                 : "";
    const std::string_view text = name.empty() ? name : builder_.get(name);
    if (text.empty())
      return {};
    double v = 0;
    if (parse::parse_float(text, v) != parse::number_error::none)
      return {errc::invalid_argument, "label " + std::string(name) + " of " + quoted(family) +
                                          " is no number: " + quoted(text)};
    builder_.set(name, text_of(v));
    return {};
  }

  /// The series of builder_.
  status add(std::string family, double value) {
    TROUPE_TRY(settle_bound(family));
    if (family == push_time_name || family == push_failure_time_name)
      return {errc::invalid_argument, quoted(family) + " is made by the receiver"};
    pushed_series s{series_text(builder_, group_), value};
    if (!seen_.insert(s.text).second)
      return {errc::invalid_argument, "series " + s.text + " is pushed twice"};
    families_[std::move(family)].series.push_back(std::move(s));
    return {};
  }

  const grouping& group_;
  std::map<std::string, pushed_family> families_;
  std::set<std::string> seen_;
  labels_builder builder_;
};

}  // namespace

std::string series_text(labels_builder& b, const grouping& group) {
  bool has_instance = false;
  std::string empty_labels;
  for (const auto& [name, value] : group) {
    has_instance = has_instance || name == instance_label;
    b.set(name, value);  // an empty value takes the label away
    if (value.empty()) {
      empty_labels += ',';
      parse::append_name(empty_labels, name, false);
      empty_labels += "=\"\"";
    }
  }
  if (!has_instance && b.get(instance_label).empty())
    empty_labels += ",instance=\"\"";
  std::string out;
  parse::append_series(out, b.build());
  if (!empty_labels.empty()) {
    TROUPE_CHECK(out.ends_with('}'));  // a group has a job
    out.pop_back();
    out += empty_labels + "}";
  }
  return out;
}

size_t pushed_family::bytes() const {
  size_t n = sizeof *this + name.size() + help.size();
  for (const auto& s : series)
    n += sizeof s + s.text.size();
  return n;
}

result<std::vector<pushed_family>> read_pushed(std::string_view body,
                                               parse::exposition_format format,
                                               const grouping& group) {
  pushed_reader reader(group);
  switch (format) {
    case parse::exposition_format::text:
      TROUPE_TRY(reader.read_text<parse::text_parser>(body));
      break;
    case parse::exposition_format::openmetrics:
      TROUPE_TRY(reader.read_text<parse::openmetrics_parser>(body));
      break;
    case parse::exposition_format::protobuf:
      TROUPE_TRY(reader.read_protobuf(body));
      break;
  }
  return reader.done();
}

}  // namespace troupe::push
