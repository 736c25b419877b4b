#include "pipeline/global/list_answer.h"

#include "pipeline/parse/json_reader.h"

namespace troupe::global {
namespace {

using parse::json_reader;

labels read_series(json_reader& r) {
  labels_builder b;
  std::string name;
  r.object([&](std::string_view key) {
    name = key;
    b.set(name, r.string());
  });
  return b.build();
}

}  // namespace

result<list_answer> parse_list(std::string_view body) {
  list_answer out;
  bool success = false, found = false;
  json_reader r(body);
  r.object([&](std::string_view key) {
    if (key == "status") {
      success = r.string() == "success";
    } else if (key == "data") {
      found = true;
      r.array([&] {
        if (r.next() == json_reader::kind::object)
          out.series.push_back(read_series(r));
        else
          out.texts.emplace_back(r.string());
      });
    } else if (key == "warnings") {
      r.array([&] { out.warnings.emplace_back(r.string()); });
    } else {
      r.skip();
    }
  });
  r.finish();
  if (r.failed())
    return r.error().with_context("not an answer of the API");
  if (!success || !found)
    return {errc::invalid_argument, "not an answer of the API: no data"};
  return out;
}

}  // namespace troupe::global
