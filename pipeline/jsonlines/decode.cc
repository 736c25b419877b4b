#include "pipeline/jsonlines/decode.h"

#include "pipeline/parse/json_reader.h"
#include "pipeline/parse/number.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace troupe::jsonlines {

namespace {

using parse::json_reader;
using kind = json_reader::kind;

/// What VictoriaMetrics takes as a text.
std::optional<double> special_value(std::string_view text) {
  const bool minus = text.starts_with('-');
  if (minus)
    text.remove_prefix(1);
  if (text == "infinity" || text == "Infinity" || text == "Inf" || text == "inf")
    return minus ? -std::numeric_limits<double>::infinity()
                 : std::numeric_limits<double>::infinity();
  if (text == "null" || text == "Null" || text == "nan" || text == "NaN")
    return normal_nan();
  return std::nullopt;
}

class decoder {
 public:
  decoder(const request& r, remote::series_cache& known, const remote::write_limits& limits)
      : request_(r), out_(known, limits, r.lines.size()) {}

  result<remote::decoded_write> run() {
    std::string_view rest = request_.lines;
    for (uint64_t number = 1; !rest.empty() && !out_.full(); ++number) {
      const auto end = std::min(rest.find('\n'), rest.size());
      const auto text = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (text.find_first_not_of(" \t\r") == text.npos)
        continue;
      if (const auto read = read_line(text); !read.ok())
        out_.refuse_sample("line " + std::to_string(number) + ": " + std::string(read.message()));
    }
    return out_.done();
  }

 private:
  status read_line(std::string_view text) {
    labels_.clear();
    values_.clear();
    times_.clear();
    json_reader in(text);
    in.object([&](std::string_view key) {
      if (key == "metric")
        in.object([&](std::string_view name) { labels_.push_back({name, in.string()}); });
      else if (key == "values")
        in.array([&] { values_.push_back(value(in)); });
      else if (key == "timestamps")
        in.array([&] { times_.push_back(time(in)); });
      else
        in.skip();
    });
    in.finish();
    TROUPE_TRY(in.error());
    if (labels_.empty())
      return {errc::invalid_argument, "missing `metric` object"};
    if (values_.empty() || times_.size() != values_.size())
      return {errc::invalid_argument,
              "`timestamps` array size must match `values` array size; got " +
                  std::to_string(times_.size()) + "; want " + std::to_string(values_.size())};
    add_series();
    return {};
  }

  static double value(json_reader& in) {
    double out = 0;
    if (in.next() == kind::null) {
      in.null();
      return stale_nan();
    }
    if (in.next() == kind::string) {
      if (const auto special = special_value(in.string()))
        return *special;
      in.fail("a value that is no number");
    } else if (parse::parse_float(in.number(), out) != parse::number_error::none) {
      in.fail("a value beyond the largest number");
    }
    return out;
  }

  static timestamp_ms time(json_reader& in) {
    timestamp_ms out = 0;
    const auto text = in.number();
    const auto end = std::from_chars(text.data(), text.data() + text.size(), out);
    if (end.ec != std::errc() || end.ptr != text.data() + text.size())
      in.fail("a timestamp that is no integer");
    return out;
  }

  void add_series() {
    for (const auto& [name, value] : request_.extra_labels) {
      std::erase_if(labels_,
                    [&, n = std::string_view(name)](const label_view& l) { return l.name == n; });
      labels_.push_back({name, value});
    }
    out_.begin_series(labels_);
    for (size_t i = 0; i < values_.size(); ++i)
      out_.add(times_[i], values_[i]);
  }

  const request& request_;
  remote::series_collector out_;
  std::vector<label_view> labels_;
  std::vector<double> values_;
  std::vector<timestamp_ms> times_;
};

}  // namespace

result<remote::decoded_write> decode(const request& r, remote::series_cache& known,
                                     const remote::write_limits& limits) {
  return decoder(r, known, limits).run();
}

}  // namespace troupe::jsonlines
