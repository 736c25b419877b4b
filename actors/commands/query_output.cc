#include "actors/commands/query_output.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

namespace troupe::actors {

namespace {

namespace json = boost::json;

/// The "data" member of a successful answer.
result<json::value> data_of(std::string_view body) {
  json::error_code ec;
  json::value v = json::parse(json::string_view(body.data(), body.size()), ec);
  if (ec || !v.is_object())
    return {errc::invalid_argument, "the server's answer is not JSON"};
  const auto& o = v.get_object();
  const auto* state = o.if_contains("status");
  if (!state || !state->is_string() || state->get_string() != "success") {
    const auto* text = o.if_contains("error");
    return {errc::invalid_argument,
            text && text->is_string() ? std::string(text->get_string()) : "the server failed"};
  }
  const auto* data = o.if_contains("data");
  return data ? *data : json::value(nullptr);
}

std::string series_text(const json::value& metric) {
  if (!metric.is_object())
    return "{}";
  std::string name, rest;
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& [k, v] : metric.get_object()) {
    if (!v.is_string())
      continue;
    if (k == "__name__")
      name = v.get_string();
    else
      pairs.emplace_back(k, v.get_string());
  }
  std::sort(pairs.begin(), pairs.end());
  for (const auto& [k, v] : pairs)
    rest += fmt::format("{}{}=\"{}\"", rest.empty() ? "" : ", ", k, v);
  return rest.empty() && !name.empty() ? name : name + "{" + rest + "}";
}

struct row {
  std::string left, right;
};

std::string text_of(const json::value& v) {
  if (v.is_string())
    return std::string(v.get_string());
  return json::serialize(v);
}

/// [ts, "value"] → value; "" if it is not one.
std::string point_value(const json::value& p) {
  if (!p.is_array() || p.get_array().size() != 2)
    return {};
  return text_of(p.get_array()[1]);
}

std::string point_time(const json::value& p) {
  return p.is_array() && !p.get_array().empty() ? text_of(p.get_array()[0]) : "";
}

void add_result_rows(const json::object& o, std::vector<row>& rows) {
  const auto* type = o.if_contains("resultType");
  const auto* list = o.if_contains("result");
  if (!type || !list || !list->is_array())
    return;
  bool series =
      type->is_string() && (type->get_string() == "vector" || type->get_string() == "matrix");
  if (!series) {
    rows.push_back({std::string(type->is_string() ? type->get_string() : ""), point_value(*list)});
    return;
  }
  for (const auto& s : list->get_array()) {
    if (!s.is_object())
      continue;
    const auto& so = s.get_object();
    const auto* metric = so.if_contains("metric");
    std::string name = series_text(metric ? *metric : json::value(nullptr));
    for (const char* key : {"value", "histogram"}) {
      if (const auto* v = so.if_contains(key))
        rows.push_back({name, point_value(*v)});
    }
    for (const char* key : {"values", "histograms"}) {
      const auto* v = so.if_contains(key);
      if (!v || !v->is_array())
        continue;
      for (const auto& p : v->get_array())
        rows.push_back({name, point_value(p) + " @" + point_time(p)});
    }
  }
}

}  // namespace

result<std::string> render_table(std::string_view body) {
  TROUPE_ASSIGN(auto data, data_of(body));
  std::vector<row> rows;
  if (data.is_object()) {
    add_result_rows(data.get_object(), rows);
  } else if (data.is_array()) {
    for (const auto& item : data.get_array())
      rows.push_back({item.is_object() ? series_text(item) : text_of(item), ""});
  }
  size_t width = 0;
  for (const auto& r : rows)
    width = std::max(width, std::min<size_t>(r.left.size(), 100));
  std::string out;
  for (const auto& r : rows)
    out += r.right.empty() ? r.left + "\n" : fmt::format("{:<{}}  {}\n", r.left, width, r.right);
  if (rows.empty())
    out = "no data\n";
  return out;
}

result<std::string> render_sparklines(std::string_view body, size_t width) {
  static constexpr std::string_view blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  TROUPE_ASSIGN(auto data, data_of(body));
  const auto* list = data.is_object() ? data.get_object().if_contains("result") : nullptr;
  if (!list || !list->is_array())
    return render_table(body);
  std::string out;
  for (const auto& s : list->get_array()) {
    const auto* values = s.is_object() ? s.get_object().if_contains("values") : nullptr;
    if (!values || !values->is_array())
      return render_table(body);
    std::vector<double> v;
    for (const auto& p : values->get_array()) {
      std::string text = point_value(p);
      double x = std::nan("");
      std::from_chars(text.data(), text.data() + text.size(), x);
      v.push_back(x);
    }
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (double x : v) {
      if (std::isfinite(x)) {
        low = std::min(low, x);
        high = std::max(high, x);
      }
    }
    std::string line;
    size_t columns = std::min(width, v.size());
    for (size_t c = 0; c < columns; ++c) {
      double x = v[c * v.size() / columns];
      if (!std::isfinite(x))
        line += ' ';
      else
        line += blocks[high > low ? static_cast<size_t>((x - low) / (high - low) * 7.0 + 0.5) : 0];
    }
    const auto* metric = s.get_object().if_contains("metric");
    out += fmt::format("{}\n  {}  min {:g} max {:g} last {:g}\n",
                       series_text(metric ? *metric : json::value(nullptr)), line, low, high,
                       v.empty() ? 0.0 : v.back());
  }
  return out.empty() ? std::string("no data\n") : out;
}

}  // namespace troupe::actors
