#include "pipeline/client/node_answers.h"

#include "pipeline/client/api_answer.h"
#include "pipeline/parse/number.h"

#include <boost/json.hpp>

#include <stdexcept>

namespace troupe::client {
namespace {

namespace json = boost::json;

std::string text_of(const json::value& v) {
  const auto& s = v.as_string();
  return {s.data(), s.size()};
}

std::string text_at(const json::object& from, std::string_view key) {
  return text_of(from.at({key.data(), key.size()}));
}

double number_of(const json::value& text) {
  double v = 0;
  const std::string s = text_of(text);
  if (parse::parse_float(s, v) == parse::number_error::syntax)
    throw std::runtime_error("not a number: " + s);
  return v;
}

// What `read` makes of the answer's data. Boost.JSON throws where something is not as it should be.
template <class T, class Read>
result<T> read_answer(std::string_view body, const Read& read) {
  try {
    const auto answer = json::parse({body.data(), body.size()});
    const auto& top = answer.as_object();
    if (text_at(top, "status") != "success")
      return {errc::invalid_argument, text_at(top, "error")};
    return read(top.at("data"));
  } catch (const std::exception& e) {
    return {errc::invalid_argument, std::string("not an answer of the API: ") + e.what()};
  }
}

const json::value& scalar_of(const json::value& data) {
  if (text_at(data.as_object(), "resultType") != "scalar")
    throw std::runtime_error("the answer is no scalar");
  return data.as_object().at("result");
}

}  // namespace

result<std::vector<node_stage>> parse_stages(std::string_view body) {
  using all = std::vector<node_stage>;
  return read_answer<all>(body, [](const json::value& data) {
    all out;
    for (const auto& v : data.as_array()) {
      const auto& o = v.as_object();
      node_stage s{text_at(o, "stage"), text_at(o, "name"), "", ""};
      s.other_end = text_at(o, o.contains("url") ? "url" : "topic");
      if (const auto& until = o.at("pausedUntil"); !until.is_null())
        s.paused_until = text_of(until);
      out.push_back(std::move(s));
    }
    return out;
  });
}

result<std::vector<topic_link>> parse_topic_links(std::string_view body) {
  using all = std::vector<topic_link>;
  return read_answer<all>(body, [](const json::value& data) {
    all out;
    for (const char* stage : {"publish", "consume"})
      for (const auto& v : data.as_object().at(stage).as_array()) {
        const auto& o = v.as_object();
        out.push_back({stage, text_at(o, "name"), o.at("up").as_bool(), text_at(o, "lastError"),
                       o.at("lagSeconds").to_number<double>()});
      }
    return out;
  });
}

result<std::vector<node_watermark>> parse_watermarks(std::string_view body) {
  using all = std::vector<node_watermark>;
  return read_answer<all>(body, [](const json::value& data) {
    all out;
    for (const auto& v : data.as_array()) {
      const auto& o = v.as_object();
      node_watermark w{text_at(o, "stage"), text_at(o, "name"), std::nullopt};
      if (const auto& lag = o.at("lagSeconds"); !lag.is_null())
        w.lag_seconds = lag.to_number<double>();
      out.push_back(std::move(w));
    }
    return out;
  });
}

result<std::map<std::string, std::string>> parse_flags(std::string_view body) {
  using all = std::map<std::string, std::string>;
  return read_answer<all>(body, [](const json::value& data) {
    all out;
    for (const auto& [name, value] : data.as_object())
      out.emplace(std::string(name.data(), name.size()), text_of(value));
    return out;
  });
}

result<double> parse_scalar(std::string_view body) {
  return read_answer<double>(
      body, [](const json::value& data) { return number_of(scalar_of(data).as_array().at(1)); });
}

result<std::vector<vector_element>> parse_vector(std::string_view body) {
  TROUPE_ASSIGN(auto answer, parse_query_answer(body));
  if (answer.failed)
    return {errc::invalid_argument, answer.error};
  std::vector<vector_element> out;
  for (auto& s : answer.series) {
    if (s.floats.size() != 1)
      return {errc::invalid_argument, "the answer is no vector"};
    out.push_back({std::move(s.metric), s.floats.front().value});
  }
  return out;
}

}  // namespace troupe::client
