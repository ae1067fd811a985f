// SPDX-License-Identifier: GPL-3.0-or-later
// The golden texts are jinja2's own, with the settings of Hugging Face transformers.
#include "engine/formats/chat_template.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

namespace {

using nlohmann::json;

void expectGolden(const std::string& path) {
  std::ifstream in(path);
  const json cases = json::parse(in);
  EXPECT_GT(cases.size(), 3u);
  for (const json& c : cases) {
    std::vector<ts::ChatMessage> messages;
    for (const json& m : c["messages"]) messages.push_back({m["role"], m["content"]});
    const auto text = ts::applyChatTemplate(c["template"].get<std::string>(), messages, c["add"], "<s>", "</s>");
    if (c.contains("error")) {
      ASSERT_FALSE(text) << c["name"];
      EXPECT_NE(text.error().message.find(c["error"].get<std::string>()), std::string::npos) << text.error().message;
    } else {
      EXPECT_TRUE(text) << c["name"] << ": " << text.error().message;
      if (text) {
        EXPECT_EQ(*text, c["text"].get<std::string>()) << c["name"];
      }
    }
  }
}

std::string errorOf(const std::string& source) {
  const ts::ChatMessage message{"user", "hi"};
  const auto text = ts::applyChatTemplate(source, {&message, 1}, true, "", "");
  return text ? "no error: " + text->substr(0, 100) : text.error().message;
}

TEST(ChatTemplate, WritesWhatJinjaWrites) { expectGolden(TS_SOURCE_DIR "/tests/data/chat_templates.json"); }

TEST(ChatTemplate, SaysWhatIsWrongAndWhere) {
  EXPECT_NE(errorOf("{{ 'a'\n\n + }}").find("line 1"), std::string::npos);
  EXPECT_NE(errorOf("a\n{% include 'x' %}").find("line 2: the tag \"include\" is not supported"), std::string::npos);
  EXPECT_NE(errorOf("{{ 'a'|frobnicate }}").find("\"frobnicate\""), std::string::npos);
  EXPECT_NE(errorOf("{% if true %}").find("endif"), std::string::npos);
  EXPECT_NE(errorOf("{{ 1 / 0 }}").find("zero"), std::string::npos);
  EXPECT_NE(errorOf("{{ messages[0].x.y }}").find("undefined"), std::string::npos);
  EXPECT_NE(errorOf("").find("no chat template"), std::string::npos);
}

TEST(ChatTemplate, EndsWhateverTheTemplateDoes) {
  const std::string range = "range(90000)";
  EXPECT_NE(errorOf("{% for a in " + range + " %}{% for b in " + range + " %}{% endfor %}{% endfor %}").find("line"), std::string::npos);
  EXPECT_NE(errorOf("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}").find("macros"), std::string::npos);
  EXPECT_NE(errorOf("{% set n = namespace(x='aaaaaaaaaaaaaaaa') %}{% for a in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}").find("16 MiB"), std::string::npos);
  EXPECT_NE(errorOf("{{ " + std::string(10000, '(') + "1" + std::string(10000, ')') + " }}").find("nested"), std::string::npos);
  EXPECT_NE(errorOf("{{ 1" + std::string(5000, '-') + "1 }}").find("nested"), std::string::npos);
  std::string blocks;
  for (int i = 0; i < 1000; ++i) blocks += "{% if 1 %}";
  EXPECT_NE(errorOf(blocks).find("nested"), std::string::npos);
  // A list a hundred thousand deep is freed without recursion.
  EXPECT_EQ(errorOf("{% set n = namespace(x=[]) %}{% for a in range(90000) %}{% set n.x = [n.x] %}{% endfor %}ok"), "no error: ok");
  EXPECT_NE(errorOf("{% set l = [] %}{% set m = l.append(l) %}{{ l }}").find("deep"), std::string::npos);
}

// Few steps, but each over a hundred thousand items or millions of characters: minutes to hours, were only steps counted.
TEST(ChatTemplate, EndsWhateverAStepCosts) {
  const auto ends = [](const std::string& source) { EXPECT_NE(errorOf(source).find("does not come to an end"), std::string::npos) << source; };
  ends("{{ range(90000)|unique|length }}");
  ends("{% set r = range(90000) %}{% for a in r %}{{ r[0] }}{% endfor %}");
  ends("{% set r = range(90000) %}{% for a in r %}{{ -1 in r }}{% endfor %}");
  ends("{% set t = 'a' * 16000000 %}{% for a in range(90000) %}{{ t is lower }}{% endfor %}");
  ends("{% set t = 'a' * 16000000 %}{% for a in range(90000) %}{{ 'b' in t }}{% endfor %}");
  ends("{% set d = {} %}{% for a in range(90000) %}{% set x = d.update({a|string: 1}) %}{% endfor %}");
  std::string many;
  for (int i = 0; i < 2000; ++i) many += "{% set v" + std::to_string(i) + " = 1 %}";
  ends(many + "{% for a in range(90000) %}{{ v1999 }}{% endfor %}");
}

}  // namespace
