#include "config/rule_test_file.h"

#include "config/defaults.h"
#include "config/yaml_reader.h"

namespace troupe::config {
namespace {

void describe(fields& f, rule_test_series& s) {
  f.text("series", s.series);
  f.text("values", s.values);
}

void describe(fields& f, expected_alert& a) {
  f.text_map("exp_labels", a.labels);
  f.text_map("exp_annotations", a.annotations);
}

void describe(fields& f, alert_rule_test& t) {
  f.duration("eval_time", t.eval_time_ms);
  f.text("alertname", t.alert_name);
  f.list("exp_alerts", t.alerts, describe);
}

void describe(fields& f, expected_sample& s) {
  f.text("labels", s.labels);
  f.number("value", s.value);
  f.text("histogram", s.histogram);
}

void describe(fields& f, expression_test& t) {
  f.text("expr", t.expr);
  f.duration("eval_time", t.eval_time_ms);
  f.list("exp_samples", t.samples, describe);
}

void describe(fields& f, rule_test& t) {
  f.text("name", t.name);
  f.duration("interval", t.interval_ms);
  f.text("start_timestamp", t.start_time);
  f.list("input_series", t.input, describe);
  f.list("alert_rule_test", t.alerts, describe);
  f.list("promql_expr_test", t.expressions, describe);
  f.text_map("external_labels", t.external_labels);
  f.text("external_url", t.external_url);
}

void describe(fields& f, rule_test_file& file) {
  f.paths("rule_files", file.rule_files);
  f.duration("evaluation_interval", file.evaluation_interval_ms);
  f.texts("group_eval_order", file.group_eval_order);
  f.list("tests", file.tests, describe);
  f.flag("fuzzy_compare", file.fuzzy_compare);
}

}  // namespace

rule_test_file parse_rule_test_file(std::string_view text, const std::string& file,
                                    diagnostics& errors) {
  rule_test_file out;
  yaml_node root;
  yaml_limits limits;
  limits.max_bytes = defaults::max_file_bytes;
  if (!parse_yaml(text, file, limits, root, errors))
    return out;
  const auto slash = file.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : file.substr(0, slash);
  yaml_reader(root, file, folder, errors).read(out, describe);
  if (out.evaluation_interval_ms == 0)
    out.evaluation_interval_ms = 60'000;
  for (auto& t : out.tests)
    if (t.interval_ms == 0)
      t.interval_ms = out.evaluation_interval_ms;
  return out;
}

}  // namespace troupe::config
