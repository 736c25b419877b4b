#include "pipeline/template/template.h"

#include "pipeline/template/executor.h"
#include "pipeline/template/parser.h"

#include <utility>

namespace troupe::templates {
namespace {

constexpr std::string_view alert_variables =
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}"
    "{{$externalURL := .ExternalURL}}{{$value := .Value}}";

}  // namespace

result<text_template> text_template::parse(std::string_view name, std::string text) {
  auto made = std::make_shared<parsed>();
  made->name = name;
  made->text = std::move(text);
  TROUPE_ASSIGN(made->trees, parse_trees(made->name, made->text));
  text_template out;
  out.parsed_ = std::move(made);
  return out;
}

result<std::string> text_template::expand(const value& data, const environment& env) const {
  return execute(parsed_->trees, parsed_->name, parsed_->text, data, env);
}

result<alert_template> alert_template::parse(std::string_view alert, std::string_view text) {
  alert_template out;
  out.name_ = "__alert_" + std::string(alert);
  if (text.find("{{") == std::string_view::npos) {
    out.plain_ = text;
    out.is_plain_ = true;
    return out;
  }
  TROUPE_ASSIGN(out.template_,
                text_template::parse(out.name_, std::string(alert_variables).append(text)));
  return out;
}

result<std::string> alert_template::expand(const alert_data& data, const environment& env) const {
  if (is_plain_)
    return plain_;
  auto made =
      template_.expand(value(value::storage(std::make_shared<const alert_data>(data))), env);
  if (!made.ok())
    return made.error().with_context("error executing template " + name_);
  return made;
}

std::string alert_template::expand_or_explain(const alert_data& data,
                                              const environment& env) const {
  auto made = expand(data, env);
  if (made.ok())
    return std::move(*made);
  return "<error expanding template: " + std::string(made.error().message()) + ">";
}

}  // namespace troupe::templates
