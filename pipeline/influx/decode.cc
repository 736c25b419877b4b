#include "pipeline/influx/decode.h"

#include "pipeline/influx/line.h"
#include "storage/base/quote.h"

#include <algorithm>
#include <array>

namespace troupe::influx {

namespace {

/// A unit of times: so many in a millisecond, or so many milliseconds.
struct unit {
  std::string_view name;
  int64_t per_ms = 1, ms = 1;
};
constexpr std::array<unit, 9> units{{{"n", 1'000'000, 1},
                                     {"ns", 1'000'000, 1},
                                     {"u", 1000, 1},
                                     {"us", 1000, 1},
                                     {"\u00b5", 1000, 1},
                                     {"ms", 1, 1},
                                     {"s", 1, 1000},
                                     {"m", 1, 60'000},
                                     {"h", 1, 3'600'000}}};

/// Times of this age have so many digits in their unit.
unit unit_by_size(int64_t time) {
  if (time >= 100'000'000'000'000'000)
    return units[0];
  if (time >= 100'000'000'000'000)
    return units[2];
  return time >= 100'000'000'000 ? unit{} : unit{"s", 1, 1000};
}

timestamp_ms to_ms(int64_t time, const unit& u) {
  int64_t out = 0;
  if (__builtin_mul_overflow(time / u.per_ms, u.ms, &out))
    return time < 0 ? min_time : max_time;
  return out;
}

class decoder {
 public:
  decoder(const request& r, const settings& s, const unit* precision, remote::series_cache& known,
          const remote::write_limits& limits)
      : request_(r), settings_(s), unit_(precision), out_(known, limits, r.lines.size()) {}

  result<remote::decoded_write> run() {
    std::string_view rest = request_.lines;
    for (uint64_t number = 1; !out_.full(); ++number) {
      const auto text = next_line(rest);
      if (!text)
        break;
      if (text->empty() || text->front() == '#')
        continue;
      if (const auto read = line_.parse(*text); read.ok())
        add_line();
      else
        out_.refuse_sample("line " + std::to_string(number) + ": " + std::string(read.message()));
    }
    return out_.done();
  }

 private:
  timestamp_ms time_of_line() const {
    const int64_t time = line_.time.value_or(0);
    if (time != 0)
      return to_ms(time, unit_ ? *unit_ : unit_by_size(time));
    return request_.now - (unit_ ? request_.now % unit_->ms : 0);
  }

  void add_line() {
    labels_.clear();
    const auto set = [this](std::string_view name, std::string_view value) {
      const auto at = std::find_if(labels_.begin(), labels_.end(),
                                   [&](const label_view& l) { return l.name == name; });
      if (at == labels_.end())
        labels_.push_back({name, value});
      else
        at->value = value;
    };
    for (const auto& t : line_.tags)
      labels_.push_back({t.key, t.value});
    const bool has_db = std::any_of(line_.tags.begin(), line_.tags.end(),
                                    [&](const tag& t) { return t.key == settings_.db_label; });
    if (!has_db && !request_.db.empty())
      labels_.push_back({settings_.db_label, request_.db});
    for (const auto& [name, value] : request_.extra_labels)
      set(name, value);
    const size_t common = labels_.size();
    const timestamp_ms ts = time_of_line();
    for (const auto& f : line_.fields) {
      name_of(f.key);
      labels_.resize(common);
      labels_.push_back({metric_name_label, name_});
      out_.begin_series(labels_);
      out_.add(ts, f.value);
    }
  }

  void name_of(std::string_view key) {
    name_.clear();
    const auto measurement = line_.measurement;
    if (!settings_.skip_measurement)
      name_ = measurement;
    if (!measurement.empty() && line_.fields.size() == 1 && settings_.skip_single_field)
      return;
    if (!name_.empty())
      name_ += settings_.separator;
    name_ += key;
  }

  const request& request_;
  const settings& settings_;
  const unit* unit_;  ///< null: by the size of each time
  remote::series_collector out_;
  line line_;
  std::string name_;
  std::vector<label_view> labels_;
};

}  // namespace

result<remote::decoded_write> decode(const request& r, const settings& s,
                                     remote::series_cache& known,
                                     const remote::write_limits& limits) {
  const unit* precision = nullptr;
  if (!r.precision.empty()) {
    precision = std::find_if(units.begin(), units.end(),
                             [&](const unit& u) { return u.name == r.precision; });
    if (precision == units.end())
      return {errc::invalid_argument, "unknown precision " + quoted(r.precision.substr(0, 64)) +
                                          ", supported: n, ns, u, us, \u00b5, ms, s, m, h"};
  }
  return decoder(r, s, precision, known, limits).run();
}

}  // namespace troupe::influx
