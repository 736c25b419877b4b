#include "pipeline/client/api_answer.h"

#include "pipeline/parse/number.h"

#include <boost/json/basic_parser_impl.hpp>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

namespace troupe::client {
namespace {

namespace json = boost::json;

/// An answer as it stands there.
struct plain_answer {
  std::string status;
  std::string error_type;
  std::string error;
  std::string result_type;
  std::vector<std::string> warnings;
  std::vector<std::string> infos;
  std::vector<stored_series> series;
  bool others = false;  ///< "result" has something that is no series
};

// Seconds as JSON writes them. Up to three decimals are exact, what is finer is rounded.
std::optional<timestamp_ms> time_of(std::string_view text) {
  const bool negative = text.starts_with('-');
  const char* const end = text.data() + text.size();
  uint64_t seconds = 0;
  const auto [dot, error] = std::from_chars(text.data() + (negative ? 1 : 0), end, seconds);
  const std::string_view fraction(dot, static_cast<size_t>(end - dot));
  constexpr std::string_view digits = "0123456789";
  if (error == std::errc() && fraction.size() <= 4 &&
      fraction.find_first_not_of(digits, 1) == std::string_view::npos &&
      (fraction.empty() || fraction[0] == '.')) {
    __int128 ms = seconds;
    for (size_t i = 1; i <= 3; ++i)
      ms = ms * 10 + (i < fraction.size() ? fraction[i] - '0' : 0);
    if (negative)
      ms = -ms;
    if (ms < std::numeric_limits<timestamp_ms>::min() ||
        ms > std::numeric_limits<timestamp_ms>::max())
      return std::nullopt;
    return static_cast<timestamp_ms>(ms);
  }
  double rounded = 0;
  if (parse::parse_float(text, rounded) != parse::number_error::none ||
      !(std::abs(rounded * 1000) < 9e15))
    return std::nullopt;
  return std::llround(rounded * 1000);
}

/// Takes the parser's events and keeps what belongs to an answer, without a tree of the whole.
class answer_handler {
 public:
  static constexpr size_t max_array_size = SIZE_MAX;
  static constexpr size_t max_object_size = SIZE_MAX;
  static constexpr size_t max_string_size = 16U << 20;
  static constexpr size_t max_key_size = 1U << 20;
  using error_code = json::error_code;

  answer_handler(plain_answer& out, size_t max_points) : out_(out), points_left_(max_points) {}

  /// Of what the text is refused for, if not for its syntax.
  const status& refusal() const { return refusal_; }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }

  bool on_object_begin(error_code& ec) {
    part opened = part::other;
    switch (inside()) {
      case part::document:
        opened = part::top;
        break;
      case part::top:
        if (key_ == "data")
          opened = part::data;
        break;
      case part::result:
        opened = part::series;
        now_ = {};
        named_ = false;
        break;
      case part::series:
        if (key_ == "metric")
          opened = part::metric;
        break;
      case part::histogram_point:
        if (elements_++ != 1)
          return refuse(ec, "a point is a time and a value");
        opened = part::histogram;
        now_.histograms.push_back({ts_, 0});
        now_.sums.push_back(0);
        break;
      default:
        return skip(ec);
    }
    open_.push_back(opened);
    return true;
  }

  bool on_array_begin(error_code& ec) {
    part opened = part::other;
    switch (inside()) {
      case part::top:
        if (key_ == "warnings" || key_ == "infos")
          opened = part::notes;
        break;
      case part::data:
        if (key_ == "result")
          opened = part::result;
        break;
      case part::series:
        if (key_ == "values")
          opened = part::points;
        else if (key_ == "histograms")
          opened = part::histograms;
        else if (key_ == "value")
          return begin_point(part::point, ec);
        else if (key_ == "histogram")
          return begin_point(part::histogram_point, ec);
        break;
      case part::points:
        return begin_point(part::point, ec);
      case part::histograms:
        return begin_point(part::histogram_point, ec);
      default:
        return skip(ec);
    }
    open_.push_back(opened);
    return true;
  }

  bool on_object_end(size_t, error_code& ec) {
    const part closed = inside();
    open_.pop_back();
    if (closed == part::metric) {
      now_.series = builder_.build();
      builder_.clear();
      named_ = true;
    } else if (closed == part::series) {
      if (!named_)
        return refuse(ec, "a series without \"metric\"");
      out_.series.push_back(std::move(now_));
    }
    return true;
  }

  bool on_array_end(size_t, error_code& ec) {
    const part closed = inside();
    open_.pop_back();
    if ((closed == part::point || closed == part::histogram_point) && elements_ != 2)
      return refuse(ec, "a point is a time and a value");
    return true;
  }

  bool on_key_part(json::string_view s, size_t, error_code&) { return gather(key_part_, s); }
  bool on_key(json::string_view s, size_t, error_code&) {
    gather(key_part_, s);
    key_.swap(key_part_);
    key_part_.clear();
    return true;
  }

  bool on_string_part(json::string_view s, size_t, error_code&) { return gather(text_part_, s); }
  bool on_string(json::string_view s, size_t, error_code& ec) {
    if (text_part_.empty())
      return take_text({s.data(), s.size()}, ec);
    gather(text_part_, s);
    const std::string whole = std::exchange(text_part_, {});
    return take_text(whole, ec);
  }

  // The whole text is given at once, so no number comes in parts.
  bool on_number_part(json::string_view, error_code&) { return true; }
  bool on_int64(int64_t, json::string_view s, error_code& ec) { return take_number(s, ec); }
  bool on_uint64(uint64_t, json::string_view s, error_code& ec) { return take_number(s, ec); }
  bool on_double(double, json::string_view s, error_code& ec) { return take_number(s, ec); }
  bool on_bool(bool, error_code& ec) { return pass_over(ec); }
  bool on_null(error_code& ec) { return pass_over(ec); }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }

 private:
  /// What an open array or object is.
  enum class part : uint8_t {
    document,
    other,
    top,
    notes,  ///< warnings or infos
    data,
    result,
    series,
    metric,
    points,
    point,
    histograms,
    histogram_point,
    histogram
  };

  part inside() const { return open_.empty() ? part::document : open_.back(); }

  bool refuse(error_code& ec, std::string why) {
    refusal_ = {errc::invalid_argument, std::move(why)};
    ec = json::error::exception;
    return false;
  }
  // Something of no interest, unless something else must be here.
  bool pass_over(error_code& ec) {
    const part here = inside();
    if (here == part::metric || here == part::point || here == part::points ||
        here == part::histogram_point || here == part::histograms || here == part::notes)
      return refuse(ec, "a value of another kind than expected");
    out_.others = out_.others || here == part::result;
    return true;
  }
  bool skip(error_code& ec) {
    if (!pass_over(ec))
      return false;
    open_.push_back(part::other);
    return true;
  }
  static bool gather(std::string& to, json::string_view s) {
    to.append(s.data(), s.size());
    return true;
  }

  bool begin_point(part kind, error_code& ec) {
    if (points_left_ == 0) {
      refusal_ = {errc::resource_exhausted, "the answer has too many points"};
      ec = json::error::exception;
      return false;
    }
    --points_left_;
    elements_ = 0;
    open_.push_back(kind);
    return true;
  }

  bool take_number(json::string_view s, error_code& ec) {
    const part here = inside();
    if (here != part::point && here != part::histogram_point)
      return pass_over(ec);
    if (elements_++ != 0)
      return refuse(ec, "a point is a time and a value");
    const auto ts = time_of({s.data(), s.size()});
    if (!ts)
      return refuse(ec, "not a time: " + std::string(s.data(), s.size()));
    ts_ = *ts;
    return true;
  }

  bool take_text(std::string_view text, error_code& ec) {
    switch (inside()) {
      case part::top:
        if (key_ == "status")
          out_.status = text;
        else if (key_ == "errorType")
          out_.error_type = text;
        else if (key_ == "error")
          out_.error = text;
        return true;
      case part::notes:
        (key_ == "warnings" ? out_.warnings : out_.infos).emplace_back(text);
        return true;
      case part::data:
        if (key_ == "resultType")
          out_.result_type = text;
        return true;
      case part::metric:
        if (key_.empty())
          return refuse(ec, "a label without a name");
        builder_.set(key_, text);
        return true;
      case part::point: {
        double v = 0;
        if (elements_++ != 1 || !number(text, v, ec))
          return ec ? false : refuse(ec, "a point is a time and a value");
        now_.samples.push_back({ts_, v});
        return true;
      }
      case part::histogram:
        if (key_ == "count")
          return number(text, now_.histograms.back().value, ec);
        if (key_ == "sum")
          return number(text, now_.sums.back(), ec);
        return true;
      default:
        return pass_over(ec);
    }
  }

  bool number(std::string_view text, double& out, error_code& ec) {
    return parse::parse_float(text, out) == parse::number_error::none ||
           refuse(ec, "not a number: " + std::string(text));
  }

  plain_answer& out_;
  size_t points_left_;
  status refusal_;
  std::vector<part> open_;
  std::string key_;
  std::string key_part_;
  std::string text_part_;
  labels_builder builder_;
  stored_series now_;
  bool named_ = false;
  timestamp_ms ts_ = 0;
  size_t elements_ = 0;  ///< of the point that is read
};

result<plain_answer> read_answer(std::string_view body, size_t max_points) {
  // An answer is 9 levels deep where it has histograms; statistics are not deeper.
  json::parse_options options;
  options.max_depth = 16;
  plain_answer out;
  json::basic_parser<answer_handler> parser(options, out, max_points);
  json::error_code ec;
  const size_t taken = parser.write_some(false, body.data(), body.size(), ec);
  const auto refused = [](std::string_view why) {
    return status(errc::invalid_argument, "not an answer of the query API: " + std::string(why));
  };
  if (const status& why = parser.handler().refusal(); !why.ok())
    return why.code() == errc::invalid_argument ? refused(why.message()) : why;
  if (ec)
    return refused(ec.message());
  if (taken != body.size())
    return refused("text behind it");
  if (out.status != "success" && out.status != "error")
    return refused("no \"status\"");
  return out;
}

query::matrix_series to_floats(stored_series&& from) {
  query::matrix_series out;
  out.metric = std::move(from.series);
  out.floats.reserve(from.samples.size());
  for (const sample& s : from.samples)
    out.floats.push_back({s.ts, s.value});
  from = {};
  return out;
}

}  // namespace

result<std::vector<stored_series>> parse_matrix(std::string_view body) {
  TROUPE_ASSIGN(plain_answer answer, read_answer(body, SIZE_MAX));
  if (answer.status == "error")
    return {errc::invalid_argument, std::move(answer.error)};
  if (answer.result_type != "matrix" || answer.others)
    return {errc::invalid_argument, "the answer is no matrix"};
  return std::move(answer.series);
}

result<query_answer> parse_query_answer(std::string_view body, const answer_limits& limits) {
  TROUPE_ASSIGN(plain_answer answer, read_answer(body, limits.max_points));
  query_answer out;
  out.failed = answer.status == "error";
  out.error_type = std::move(answer.error_type);
  out.error = std::move(answer.error);
  out.warnings = std::move(answer.warnings);
  out.infos = std::move(answer.infos);
  if (out.failed)
    return out;
  if ((answer.result_type != "matrix" && answer.result_type != "vector") || answer.others)
    return {errc::invalid_argument, "the answer is neither a vector nor a matrix"};
  for (const stored_series& s : answer.series)
    out.has_histograms = out.has_histograms || !s.histograms.empty();
  if (out.has_histograms)
    return out;
  out.series.reserve(answer.series.size());
  for (stored_series& s : answer.series)
    out.series.push_back(to_floats(std::move(s)));
  return out;
}

}  // namespace troupe::client
