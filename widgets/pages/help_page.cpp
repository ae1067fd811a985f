// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/pages/help_page.h"

#include <QAction>
#include <QEvent>
#include <QListWidget>
#include <QScrollBar>
#include <QTextBrowser>

#include "engine/core/version.h"
#include "engine/registry/registry.h"
#include "widgets/base/layout.h"
#include "widgets/base/text.h"
#include "widgets/base/theme.h"
#include "widgets/forms/family_text.h"

namespace ts {
namespace {

QString strategiesHtml() {
  QString html;
  for (const Family family : {Family::Weights, Family::KeyValue, Family::Decoding, Family::Drafter, Family::Sampling, Family::Search}) {
    const auto strategies = registry().ofFamily(family);
    if (strategies.empty()) continue;
    html += QStringLiteral("<h3>%1</h3><p>%2</p>").arg(familyTitle(family), familyHelp(family));
    for (const Strategy* strategy : strategies) {
      const Descriptor& d = strategy->descriptor;
      html += QStringLiteral("<p><b>%1</b> &nbsp;<code>%2</code><br>%3").arg(text(d.title).toHtmlEscaped(), text(d.id).toHtmlEscaped(), text(d.help).toHtmlEscaped());
      if (!d.paper.empty()) html += QStringLiteral("<br><i>%1</i>").arg(text(d.paper).toHtmlEscaped());
      html += QStringLiteral("</p>");
      if (d.parameters.empty()) continue;
      html += QStringLiteral("<table cellspacing='0' cellpadding='3'>");
      for (const Parameter& p : d.parameters)
        html += QStringLiteral("<tr><td width='130'><code>%1</code></td><td width='210'>%2</td><td>%3</td></tr>")
                    .arg(text(p.name).toHtmlEscaped(), parameterRange(p).toHtmlEscaped(), text(p.help).toHtmlEscaped());
      html += QStringLiteral("</table>");
    }
  }
  return html;
}

}  // namespace

HelpPage::HelpPage(QWidget* parent) : QWidget(parent) {
  auto* header = new PageHeader(tr("Help"), tr("How do I get from a model to a decision?"));
  text_ = new QTextBrowser;
  text_->setOpenExternalLinks(true);
  text_->setFrameShape(QFrame::NoFrame);
  text_->setAccessibleName(tr("Help text"));
  auto* chapters = new QListWidget;
  chapters->setFrameShape(QFrame::NoFrame);
  chapters->setSpacing(2);
  chapters->setAccessibleName(tr("Chapters"));
  const QList<QPair<QString, QString>> names{{tr("Getting started"), QStringLiteral("start")},
                                             {tr("Planning a sweep"), QStringLiteral("sweep")},
                                             {tr("Reading the front"), QStringLiteral("front")},
                                             {tr("Is a difference real?"), QStringLiteral("real")},
                                             {tr("Strategies"), QStringLiteral("strategies")},
                                             {tr("Shortcuts"), QStringLiteral("shortcuts")}};
  for (const auto& [title, anchor] : names) (new QListWidgetItem(title, chapters))->setData(Qt::UserRole, anchor);
  connect(chapters, &QListWidget::currentItemChanged, this, [this](QListWidgetItem* item) {
    if (item) showChapter(item->data(Qt::UserRole).toString());
  });
  auto* chaptersCard = new Card;
  chaptersCard->setFixedWidth(190);
  chaptersCard->body()->addWidget(chapters);
  auto* textCard = new Card;
  textCard->body()->addWidget(text_);
  auto* row = new QHBoxLayout;
  row->setSpacing(space::kMedium);
  row->addWidget(chaptersCard);
  row->addWidget(textCard, 1);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(space::kLarge, space::kLarge, space::kLarge, space::kMedium);
  column->setSpacing(space::kMedium);
  column->addWidget(header);
  column->addLayout(row, 1);
  fill();
}

void HelpPage::setActions(const QList<QAction*>& actions) {
  commands_ = actions;
  fill();
}

void HelpPage::showChapter(const QString& anchor) { text_->scrollToAnchor(anchor); }
QString HelpPage::html() const { return text_->toHtml(); }

void HelpPage::fill() {
  const int position = text_->verticalScrollBar()->value();
  const auto chapter = [](const QString& anchor, const QString& title, const QString& body) {
    return QStringLiteral("<a name='%1'></a><h2>%2</h2>%3").arg(anchor, title, body);
  };
  QString html;
  html += chapter(QStringLiteral("start"), tr("Getting started"),
                  tr("<ol><li><b>Models</b>: open a GGUF file or a Hugging Face folder, or take the model that comes with the program. "
                     "The page shows what is inside and how much memory it will need.</li>"
                     "<li><b>Playground</b>: type a prompt, switch strategies on, watch the tokens come, and see tokens per second and the time to the first token. "
                     "Two plans can run one after the other, side by side.</li>"
                     "<li><b>Experiment</b>: choose which strategies and which of their settings to vary, then start. "
                     "Runs are stored in one file as they finish; closing the program loses at most the item in flight.</li>"
                     "<li><b>Runs</b>, <b>Front</b> and <b>Compare</b> show what came out. What you select on one page is selected on all.</li></ol>"));
  html += chapter(QStringLiteral("sweep"), tr("Planning a sweep"),
                  tr("<p>Each family (weights, KV cache, decoding, sampling) has a list of alternatives; “off” is one of them. "
                     "The plans are every combination of one alternative of each family. In a field, <code>32|64|128</code> lists values and "
                     "<code>0.1..0.5/5</code> takes five values evenly spaced. A combination that cannot hold is refused before it runs, with the reason. "
                     "What was measured before is not measured again.</p>"));
  html += chapter(QStringLiteral("front"), tr("Reading the front"),
                  tr("<p>A run is on the front when no other run is at least as good in both metrics and better in one. The line is what can be had: "
                     "everything behind it costs more for nothing. The <b>knee</b> is the point after which giving up more of one metric buys little of the other. "
                     "Type a limit to leave out what you cannot accept. Bars are standard errors (quality) and 95 % intervals (speed); points whose bars overlap may be equal. "
                     "Arrow keys walk along the front, Enter opens the run, dragging a frame selects what is inside.</p>"));
  html += chapter(QStringLiteral("real"), tr("Is a difference real?"),
                  tr("<p>Runs on the same questions are compared question by question (McNemar’s test, paired bootstrap), which sees far smaller differences than comparing two averages. "
                     "Latency is measured alone on the machine, after a warm-up, several times; a run on a noisy machine is marked.</p>"));
  html += chapter(QStringLiteral("strategies"), tr("Strategies"), strategiesHtml());
  QString keys = QStringLiteral("<table cellspacing='0' cellpadding='3'>");
  for (const QAction* action : commands_)
    if (!action->shortcut().isEmpty())
      keys += QStringLiteral("<tr><td width='170'><code>%1</code></td><td>%2</td></tr>")
                  .arg(action->shortcut().toString(QKeySequence::NativeText).toHtmlEscaped(), QString(action->text()).remove(QLatin1Char('&')).toHtmlEscaped());
  html += chapter(QStringLiteral("shortcuts"), tr("Shortcuts"), keys + QStringLiteral("</table>"));
  html += QStringLiteral("<p>%1</p>").arg(tr("Tradespace, engine %1").arg(text(engineVersion())));
  text_->setHtml(html);
  text_->verticalScrollBar()->setValue(position);
}

void HelpPage::changeEvent(QEvent* event) {
  if (event->type() == QEvent::PaletteChange) fill();
  QWidget::changeEvent(event);
}

}  // namespace ts
