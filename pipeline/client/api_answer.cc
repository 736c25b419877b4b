#include "pipeline/client/api_answer.h"

#include "pipeline/parse/number.h"

#include <boost/json.hpp>

#include <cmath>

namespace troupe::client {
namespace {

namespace json = boost::json;

double number_of(const json::value& text) {
  double v = 0;
  const auto& s = text.as_string();
  if (parse::parse_float({s.data(), s.size()}, v) == parse::number_error::syntax)
    throw std::runtime_error("not a number: " + std::string(s.data(), s.size()));
  return v;
}

timestamp_ms time_of(const json::value& seconds) {
  const double ms = seconds.to_number<double>() * 1000;
  if (!(std::abs(ms) < 9e15))
    throw std::runtime_error("not a time");
  return std::llround(ms);
}

stored_series read_series(const json::object& from) {
  stored_series out;
  labels_builder b;
  for (const auto& [name, value] : from.at("metric").as_object()) {
    const auto& text = value.as_string();
    b.set({name.data(), name.size()}, {text.data(), text.size()});
  }
  out.series = b.build();
  if (const auto* values = from.if_contains("values")) {
    out.samples.reserve(values->as_array().size());
    for (const auto& v : values->as_array())
      out.samples.push_back({time_of(v.as_array().at(0)), number_of(v.as_array().at(1))});
  }
  if (const auto* values = from.if_contains("histograms")) {
    for (const auto& v : values->as_array()) {
      const auto& h = v.as_array().at(1).as_object();
      out.histograms.push_back({time_of(v.as_array().at(0)), number_of(h.at("count"))});
      out.sums.push_back(number_of(h.at("sum")));
    }
  }
  return out;
}

}  // namespace

result<std::vector<stored_series>> parse_matrix(std::string_view body) {
  std::vector<stored_series> out;
  try {
    const auto answer = json::parse({body.data(), body.size()});
    const auto& top = answer.as_object();
    if (top.at("status").as_string() != "success") {
      const auto& why = top.at("error").as_string();
      return {errc::invalid_argument, std::string(why.data(), why.size())};
    }
    const auto& data = top.at("data").as_object();
    if (data.at("resultType").as_string() != "matrix")
      return {errc::invalid_argument, "the answer is no matrix"};
    for (const auto& series : data.at("result").as_array())
      out.push_back(read_series(series.as_object()));
  } catch (const std::exception& e) {
    return {errc::invalid_argument, std::string("not an answer of the query API: ") + e.what()};
  }
  return out;
}

}  // namespace troupe::client
