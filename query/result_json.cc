#include "query/result_json.h"

#include "query/parser/number_text.h"
#include "query/parser/printer.h"

#include <charconv>
#include <cmath>
#include <limits>

namespace troupe::query {
namespace {

constexpr double max_exact_integer = 9007199254740992.0;  // 2^53

void append_integer(std::string& out, int64_t n) {
  char buffer[24];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, n).ptr);
}

// As Go's encoder writes float64(ts) / 1000: no zeros at the end.
void append_short_timestamp(std::string& out, timestamp_ms ts) {
  append_sample(out, static_cast<double>(ts) / 1000);
}

void append_point(std::string& out, const float_point& p) {
  out += '[';
  append_timestamp_json(out, p.ts);
  out += ',';
  append_value_json(out, p.value);
  out += ']';
}

void append_point(std::string& out, const histogram_point& p) {
  out += '[';
  append_timestamp_json(out, p.ts);
  out += ',';
  append_histogram_json(out, *p.value);
  out += ']';
}

template <class P>
void append_points(std::string& out, std::string_view name, const std::vector<P>& points) {
  if (points.empty())
    return;
  out.append(",\"").append(name).append("\":[");
  for (size_t i = 0; i < points.size(); ++i) {
    if (i > 0)
      out += ',';
    append_point(out, points[i]);
  }
  out += ']';
}

void append_vector(std::string& out, const vector_value& vector) {
  out += '[';
  for (size_t i = 0; i < vector.size(); ++i) {
    const auto& e = vector[i];
    out += i > 0 ? ",{\"metric\":" : "{\"metric\":";
    append_labels_json(out, e.metric);
    if (e.histogram) {
      out += ",\"histogram\":";
      append_point(out, histogram_point{e.ts, e.histogram});
    } else {
      out += ",\"value\":";
      append_point(out, float_point{e.ts, e.value});
    }
    out += '}';
  }
  out += ']';
}

void append_matrix(std::string& out, const matrix_value& matrix) {
  out += '[';
  for (size_t i = 0; i < matrix.size(); ++i) {
    const auto& s = matrix[i];
    out += i > 0 ? ",{\"metric\":" : "{\"metric\":";
    append_labels_json(out, s.metric);
    append_points(out, "values", s.floats);
    append_points(out, "histograms", s.histograms);
    out += '}';
  }
  out += ']';
}

// Upper bound of bucket `index` of an exponential schema.
double exponential_bound(int32_t index, int32_t schema) {
  if (schema < 0) {
    const int64_t exponent = static_cast<int64_t>(index) << -schema;
    if (exponent == 1024)  // the last bucket ends at the largest number, the next one is +Inf
      return std::numeric_limits<double>::max();
    return std::ldexp(1.0, static_cast<int>(exponent));
  }
  const int32_t per_octave = 1 << schema;
  const int32_t octave = index >> schema;
  const int32_t part = index & (per_octave - 1);
  if (part == 0 && octave == 1024)
    return std::numeric_limits<double>::max();
  const auto fraction = static_cast<double>(
      std::exp2(static_cast<long double>(part) / static_cast<long double>(per_octave)));
  return std::ldexp(fraction, octave);
}

double custom_bound(int32_t index, const std::vector<double>& bounds) {
  if (index < 0)
    return -std::numeric_limits<double>::infinity();
  return static_cast<size_t>(index) < bounds.size() ? bounds[static_cast<size_t>(index)]
                                                    : std::numeric_limits<double>::infinity();
}

// The `buckets` array; the key itself only if there is a bucket that is not empty.
class bucket_writer {
 public:
  explicit bucket_writer(std::string& out) : out_(out) {}
  ~bucket_writer() {
    if (any_)
      out_ += ']';
  }
  bucket_writer(const bucket_writer&) = delete;
  bucket_writer& operator=(const bucket_writer&) = delete;

  void add(char boundaries, double lower, double upper, double count) {
    if (count == 0)
      return;
    out_ += any_ ? ",[" : ",\"buckets\":[[";
    any_ = true;
    out_ += boundaries;
    out_ += ',';
    append_value_json(out_, lower);
    out_ += ',';
    append_value_json(out_, upper);
    out_ += ',';
    append_value_json(out_, count);
    out_ += ']';
  }

 private:
  std::string& out_;
  bool any_ = false;
};

struct indexed_bucket {
  int32_t index;
  double count;
};

std::vector<indexed_bucket> indexed(const std::vector<histogram_span>& spans,
                                    const std::vector<double>& counts) {
  std::vector<indexed_bucket> out;
  int32_t index = 0;
  size_t next = 0;
  for (const auto& span : spans) {
    index += span.offset;
    for (uint32_t i = 0; i < span.length && next < counts.size(); ++i)
      out.push_back({index++, counts[next++]});
  }
  return out;
}

}  // namespace

void append_timestamp_json(std::string& out, timestamp_ms ts) {
  auto size = static_cast<uint64_t>(ts);
  if (ts < 0) {
    out += '-';
    size = 0 - size;
  }
  append_integer(out, static_cast<int64_t>(size / 1000));
  const auto fraction = static_cast<uint32_t>(size % 1000);
  if (fraction == 0)
    return;
  out += '.';
  out += static_cast<char>('0' + fraction / 100);
  out += static_cast<char>('0' + fraction / 10 % 10);
  out += static_cast<char>('0' + fraction % 10);
}

void append_value_json(std::string& out, double value) {
  out += '"';
  const bool integer = value == std::trunc(value) && std::fabs(value) < max_exact_integer &&
                       !(value == 0 && std::signbit(value));
  if (integer)
    append_integer(out, static_cast<int64_t>(value));
  else
    append_sample(out, value);
  out += '"';
}

void append_labels_json(std::string& out, const labels& series) {
  out += '{';
  bool first = true;
  for (const auto& l : series) {
    if (!first)
      out += ',';
    first = false;
    append_json_string(out, l.name);
    out += ':';
    append_json_string(out, l.value);
  }
  out += '}';
}

void append_histogram_json(std::string& out, const histogram& h) {
  out += "{\"count\":";
  append_value_json(out, h.count);
  out += ",\"sum\":";
  append_value_json(out, h.sum);
  {
    bucket_writer buckets(out);
    const auto positive = indexed(h.positive_spans, h.positive_buckets);
    if (h.schema == histogram::custom_schema) {
      for (const auto& b : positive)
        buckets.add(b.index == 0 ? '3' : '0', custom_bound(b.index - 1, h.custom_bounds),
                    custom_bound(b.index, h.custom_bounds), b.count);
    } else {
      const auto negative = indexed(h.negative_spans, h.negative_buckets);
      for (auto b = negative.rbegin(); b != negative.rend(); ++b)
        buckets.add('1', -exponential_bound(b->index, h.schema),
                    -exponential_bound(b->index - 1, h.schema), b->count);
      buckets.add('3', -h.zero_threshold, h.zero_threshold, h.zero_count);
      for (const auto& b : positive)
        buckets.add('0', exponential_bound(b.index - 1, h.schema),
                    exponential_bound(b.index, h.schema), b.count);
    }
  }
  out += '}';
}

void append_result_json(std::string& out, const query_value& value) {
  if (const auto* scalar = std::get_if<scalar_value>(&value)) {
    out += R"({"resultType":"scalar","result":[)";
    append_short_timestamp(out, scalar->ts);
    out += ",\"";
    append_fixed(out, scalar->value);
    out += "\"]}";
  } else if (const auto* text = std::get_if<string_value>(&value)) {
    out += R"({"resultType":"string","result":[)";
    append_short_timestamp(out, text->ts);
    out += ',';
    append_json_string(out, text->text);
    out += "]}";
  } else if (const auto* vector = std::get_if<vector_value>(&value)) {
    out += R"({"resultType":"vector","result":)";
    append_vector(out, *vector);
    out += '}';
  } else {
    out += R"({"resultType":"matrix","result":)";
    append_matrix(out, std::get<matrix_value>(value));
    out += '}';
  }
}

}  // namespace troupe::query
