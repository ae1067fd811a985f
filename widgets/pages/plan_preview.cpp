// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/pages/plan_preview.h"

#include <QHeaderView>
#include <QLabel>
#include <QTimer>
#include <algorithm>
#include <array>

#include "engine/core/model_path.h"
#include "experiments/spec/chain.h"
#include "widgets/base/buttons.h"
#include "widgets/base/figures.h"
#include "widgets/base/grid_model.h"
#include "widgets/base/layout.h"
#include "widgets/base/table.h"
#include "widgets/base/text.h"
#include "widgets/base/theme.h"
#include "widgets/runs/catalogue.h"

namespace ts {
namespace {

constexpr std::size_t kListed = 500;

/// The plan's strategies, one text a column: weights, KV cache, decoding (with sampling and search), activations.
std::array<QString, 4> planTexts(const Plan& plan) {
  QStringList decoding;
  if (plan.decode) decoding << text(toText(*plan.decode));
  if (!plan.sample.empty()) decoding << text(chainText(plan.sample));
  if (plan.search) decoding << text(toText(*plan.search));
  return {text(chainText(plan.weights)), text(chainText(plan.kv)), decoding.join(QStringLiteral(" + ")), plan.activations == Activations::Q8 ? QStringLiteral("q8") : QString()};
}

}  // namespace

struct PlanPreview::Outcome {
  Result<std::vector<PlannedRun>> runs;
  std::string method;
  std::int64_t budget = 0;
};

PlanPreview::PlanPreview(RunCatalogue& catalogue, QWidget* parent) : QWidget(parent), catalogue_(catalogue) {
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(0, 0, 0, 0);
  auto* card = new Card(tr("This sweep"));
  outer->addWidget(card);
  figures_ = new Figures({tr("plans"), tr("refused"), tr("about")});
  card->body()->addWidget(figures_);
  estimate_ = mutedLabel({});
  card->body()->addWidget(estimate_);
  verdict_ = new QLabel;
  verdict_->setWordWrap(true);
  verdict_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  card->body()->addWidget(verdict_);
  start_ = new PrimaryButton(QStringLiteral("play"), tr("Start"));
  start_->setMinimumHeight(36);
  connect(start_, &QPushButton::clicked, this, &PlanPreview::startRequested);
  card->body()->addWidget(start_);
  list_ = new GridModel(this);
  table_ = new Table(list_);
  table_->horizontalHeader()->setStretchLastSection(true);
  table_->setTextElideMode(Qt::ElideRight);
  table_->setAccessibleName(tr("Plans of this sweep"));
  card->body()->addWidget(table_, 1);
  pause_ = new QTimer(this);
  pause_->setSingleShot(true);
  pause_->setInterval(200);
  connect(pause_, &QTimer::timeout, this, &PlanPreview::expandNow);
}

void PlanPreview::setDraft(SweepDraft draft, std::set<std::string> offers) {
  draft_ = std::move(draft);
  offers_ = std::move(offers);
  pause_->start();
}

void PlanPreview::setSweeping(bool sweeping) {
  sweeping_ = sweeping;
  start_->setEnabled(!sweeping && problem_.isEmpty() && plans_ > refused_);
  start_->setText(sweeping ? tr("A sweep is running") : tr("Start"));
}

void PlanPreview::expandNow() {
  const std::uint64_t request = ++request_;
  thread_ = std::jthread([this, request, draft = draft_, offers = offers_] {
    Outcome outcome;
    outcome.method = draft.method;
    outcome.budget = draft.budget;
    const auto sweep = parseSweep(toJson(draft), "this sweep");
    outcome.runs = sweep ? expand(*sweep, offers) : Result<std::vector<PlannedRun>>(tl::unexpected(sweep.error()));
    QMetaObject::invokeMethod(
        this, [this, request, outcome = std::move(outcome)] { if (request == request_) show(outcome); }, Qt::QueuedConnection);
  });
}

double PlanPreview::secondsOfOnePlan() const {
  std::vector<double> seconds;
  const auto path = modelPath(draft_.model);
  const auto sameModel = [&](const RunRecord& run) { return run.model.path == draft_.model || (path && std::filesystem::path(run.model.path) == *path); };
  for (const RunRecord& run : catalogue_.runs()) {
    if (run.state != RunState::Done || !sameModel(run) || (draft_.quality && run.task != draft_.task)) continue;
    double sum = 0;
    for (const char* name : {"quality_seconds", "latency_seconds", "prepare_seconds"})
      if (const auto it = run.metrics.find(name); it != run.metrics.end()) sum += it->second.value;
    if (sum > 0) seconds.push_back(sum);
  }
  if (seconds.empty()) return 0;
  std::nth_element(seconds.begin(), seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2), seconds.end());
  return seconds[seconds.size() / 2];
}

void PlanPreview::show(const Outcome& outcome) {
  problem_.clear();
  plans_ = refused_ = 0;
  std::vector<GridModel::Row> rows;
  std::array<bool, 4> used{true, false, false, false};  // columns in which some plan has something
  if (!outcome.runs) {
    const Error& e = outcome.runs.error();
    problem_ = text(e.where.empty() ? e.message : e.where + ": " + e.message);
    figures_->clear();
    estimate_->clear();
  } else {
    plans_ = static_cast<int>(outcome.runs->size());
    for (const PlannedRun& run : *outcome.runs) {
      refused_ += !run.refusal.empty();
      if (rows.size() >= kListed) continue;
      GridModel::Cell mark{run.refusal.empty() ? QString() : tr("refused"), text(run.refusal)};
      mark.iconName = run.refusal.empty() ? QStringLiteral("queued") : QStringLiteral("refused");
      mark.tone = static_cast<int>(run.refusal.empty() ? Tone::Neutral : Tone::Warning);
      GridModel::Row row{mark};
      const auto texts = planTexts(run.plan);
      for (std::size_t i = 0; i < texts.size(); ++i) {
        used[i] |= !texts[i].isEmpty();
        row.push_back({texts[i].isEmpty() ? missing() : texts[i], run.refusal.empty() ? texts[i] : text(run.refusal), false, !run.refusal.empty() || texts[i].isEmpty()});
      }
      rows.push_back(std::move(row));
    }
    const auto runnable = plans_ - refused_;
    const auto measured = outcome.method == "grid" ? runnable : std::min<int>(runnable, static_cast<int>(outcome.budget));
    figures_->set(0, QString::number(plans_));
    figures_->set(1, QString::number(refused_));
    const double each = secondsOfOnePlan();
    figures_->set(2, each > 0 ? durationText(each * measured) : missing());
    estimate_->setText(each > 0 ? tr("%n plan(s) will be measured; earlier runs of this model took %1 each. Those already in the store are reused.", nullptr, measured).arg(durationText(each))
                                : tr("%n plan(s) will be measured. How long is known after the first ones.", nullptr, measured));
  }
  QStringList header{QString(), tr("Weights"), tr("KV cache"), tr("Decoding"), tr("Activations")};
  for (int i = static_cast<int>(used.size()) - 1; i >= 0; --i) {
    if (used[static_cast<std::size_t>(i)]) continue;
    header.removeAt(i + 1);
    for (GridModel::Row& row : rows) row.erase(row.begin() + i + 1);
  }
  list_->set(header, std::move(rows));
  table_->resizeColumnsToContents();
  verdict_->setText(problem_);
  verdict_->setVisible(!problem_.isEmpty());
  setSweeping(sweeping_);
  Q_EMIT updated();
}

}  // namespace ts
