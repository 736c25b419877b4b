#include "pipeline/relabel/relabel.h"

#include "pipeline/relabel/letter_case.h"
#include "pipeline/relabel/md5.h"
#include "storage/base/quote.h"

#include <algorithm>

namespace troupe::relabel {
namespace {

using config::relabel_action;

bool is_legacy_name(std::string_view name, bool colons) {
  const auto is_letter = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colons && c == ':');
  };
  return !name.empty() && is_letter(name[0]) && std::all_of(name.begin(), name.end(), [&](char c) {
    return is_letter(c) || (c >= '0' && c <= '9');
  });
}

bool has_variable(std::string_view text) {
  return text.find('$') != std::string_view::npos;
}

}  // namespace

bool is_valid_label_name(std::string_view name, config::name_validation validation) {
  if (validation == config::name_validation::legacy)
    return is_legacy_name(name, false);
  return !name.empty() && is_valid_utf8(name);
}

bool is_valid_metric_name(std::string_view name, config::name_validation validation) {
  if (validation == config::name_validation::legacy)
    return is_legacy_name(name, true);
  return !name.empty() && is_valid_utf8(name);
}

result<rules> rules::compile(const std::vector<config::relabel_config>& configs,
                             config::name_validation validation) {
  rules out;
  out.validation_ = validation;
  for (size_t i = 0; i < configs.size(); ++i) {
    auto pattern = regex::compile(configs[i].regex);
    if (!pattern.ok())
      return pattern.error().with_context("relabel rule " + std::to_string(i + 1));
    rule r{configs[i], std::move(*pattern)};
    if (r.config.action == relabel_action::hashmod && r.config.modulus == 0)
      return {errc::invalid_argument,
              "relabel rule " + std::to_string(i + 1) + ": hashmod requires non-zero modulus"};
    r.default_pattern = r.config.regex == "(.*)";
    r.plain_target = !has_variable(r.config.target_label);
    r.plain_replacement = !has_variable(r.config.replacement);
    r.valid_target = r.plain_target && is_valid_label_name(r.config.target_label, validation);
    out.rules_.push_back(std::move(r));
  }
  return out;
}

bool rules::apply(labels_builder& b) const {
  return std::all_of(rules_.begin(), rules_.end(), [&](const rule& r) { return apply_one(r, b); });
}

std::optional<labels> rules::apply(const labels& in) const {
  labels_builder b(in);
  if (!apply(b))
    return std::nullopt;
  return b.build();
}

std::string rules::joined_source(const rule& r, const labels_builder& b) {
  std::string out;
  bool first = true;
  for (const auto& name : r.config.source_labels) {
    if (!first)
      out += r.config.separator;
    first = false;
    out += b.get(name);
  }
  return out;
}

void rules::replace(const rule& r, const std::string& value, labels_builder& b) const {
  const auto& c = r.config;
  if (value.empty() && r.default_pattern && r.plain_target && r.plain_replacement) {
    b.set(c.target_label, c.replacement);
    return;
  }
  if (r.plain_target && !r.valid_target)
    return;
  std::string text;
  if (r.default_pattern && c.replacement == "$1")
    text = value;
  else if (!r.pattern.expand(value, c.replacement, text))
    return;
  if (r.plain_target) {
    b.set(c.target_label, text);
    return;
  }
  std::string target;
  if (r.pattern.expand(value, c.target_label, target) && is_valid_label_name(target, validation_))
    b.set(target, text);
}

bool rules::apply_one(const rule& r, labels_builder& b) const {
  const auto& c = r.config;
  switch (c.action) {
    case relabel_action::replace:
      replace(r, joined_source(r, b), b);
      return true;
    case relabel_action::keep:
      return r.pattern.matches(joined_source(r, b));
    case relabel_action::drop:
      return !r.pattern.matches(joined_source(r, b));
    case relabel_action::keepequal:
      return b.get(c.target_label) == joined_source(r, b);
    case relabel_action::dropequal:
      return b.get(c.target_label) != joined_source(r, b);
    case relabel_action::hashmod:
      b.set(c.target_label, std::to_string(md5_tail(joined_source(r, b)) % c.modulus));
      return true;
    case relabel_action::lowercase:
      b.set(c.target_label, to_lower(joined_source(r, b)));
      return true;
    case relabel_action::uppercase:
      b.set(c.target_label, to_upper(joined_source(r, b)));
      return true;
    case relabel_action::labeldrop:
      b.keep_if([&](std::string_view name) { return !r.pattern.matches(name); });
      return true;
    case relabel_action::labelkeep:
      b.keep_if([&](std::string_view name) { return r.pattern.matches(name); });
      return true;
    case relabel_action::labelmap: {
      const auto before = b.pairs();
      for (const auto& [name, value] : before)
        if (std::string to; r.pattern.expand(name, c.replacement, to) && !to.empty())
          b.set(to, value);
      return true;
    }
  }
  return true;
}

}  // namespace troupe::relabel
