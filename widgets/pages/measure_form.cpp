// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/pages/measure_form.h"

#include <QCheckBox>
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QSpinBox>
#include <QVBoxLayout>
#include <cmath>

#include "engine/evaluation/task.h"
#include "widgets/base/flow_layout.h"
#include "widgets/base/layout.h"
#include "widgets/base/text.h"

namespace ts {
namespace {

QSpinBox* spin(int low, int high, const QString& special = {}) {
  auto* box = new QSpinBox;
  box->setRange(low, high);
  box->setSpecialValueText(special);
  return box;
}

QDoubleSpinBox* decimal(double high, int decimals, const QString& special) {
  auto* box = new QDoubleSpinBox;
  box->setDecimals(decimals);
  box->setRange(0, high);
  box->setSingleStep(std::pow(10.0, -decimals + 1));
  box->setSpecialValueText(special);
  return box;
}

/// "0, 1024": numbers of tokens; what is none is left out, and nothing means 0.
std::vector<std::int64_t> depthsOf(const QString& written) {
  std::vector<std::int64_t> list;
  for (const QString& part : written.split(QLatin1Char(','), Qt::SkipEmptyParts)) {
    bool ok = false;
    if (const int depth = part.trimmed().toInt(&ok); ok && depth >= 0) list.push_back(depth);
  }
  if (list.empty()) list.push_back(0);
  return list;
}

QString textOf(const std::vector<std::int64_t>& depths) {
  QStringList parts;
  for (const std::int64_t depth : depths) parts << QString::number(depth);
  return parts.join(QStringLiteral(", "));
}

FlowLayout* flowOf(Card* card) {
  auto* flow = new FlowLayout(space::kLarge, space::kSmall);
  card->body()->addLayout(flow);
  return flow;
}

std::vector<std::string> listOf(const QString& written) {
  std::vector<std::string> list;
  for (const QString& part : written.split(QLatin1Char(';'), Qt::SkipEmptyParts))
    if (!part.trimmed().isEmpty()) list.push_back(utf8(part.trimmed()));
  return list;
}

QString textOf(const std::vector<std::string>& list) {
  QStringList parts;
  for (const auto& part : list) parts << text(part);
  return parts.join(QStringLiteral("; "));
}

}  // namespace

MeasureForm::MeasureForm(QWidget* parent) : QWidget(parent) {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(space::kMedium);

  auto* what = new Card(tr("What is measured"));
  name_ = new QLineEdit;
  model_ = new QComboBox;
  model_->setEditable(true);
  model_->setMinimumWidth(200);
  seed_ = spin(0, 1'000'000'000);
  threads_ = spin(0, 1024, tr("all cores"));
  auto* flow = flowOf(what);
  flow->addWidget(labelled(tr("Name"), name_));
  flow->addWidget(labelled(tr("Model"), model_));
  flow->addWidget(labelled(tr("Seed"), seed_));
  flow->addWidget(labelled(tr("Threads"), threads_));
  column->addWidget(what);

  auto* quality = new Card(tr("Quality"));
  quality_ = new QCheckBox(tr("measure"));
  quality->addHeaderWidget(quality_);
  task_ = new QComboBox;
  for (const Task& task : tasks()) {
    task_->addItem(text(task.title), text(task.name));
    task_->setItemData(task_->count() - 1, text(task.help), Qt::ToolTipRole);
  }
  limit_ = spin(0, 1'000'000, tr("all"));
  context_ = spin(2, 1'000'000);
  dense_ = new QCheckBox(tr("Divergence from the dense model"));
  untilStderr_ = decimal(1000, 4, tr("all items"));
  untilStderr_->setToolTip(tr("Stop scoring a plan once the standard error of its first metric is this small"));
  data_ = new QLineEdit;
  data_->setPlaceholderText(tr("bundled"));
  flow = flowOf(quality);
  flow->addWidget(labelled(tr("Task"), task_));
  flow->addWidget(labelled(tr("Items"), limit_));
  flow->addWidget(labelled(tr("Context"), context_));
  flow->addWidget(labelled(tr("Own data"), data_));
  flow->addWidget(labelled(tr("Until standard error"), untilStderr_));
  flow->addWidget(dense_);
  taskHelp_ = mutedLabel({});
  quality->body()->addWidget(taskHelp_);
  column->addWidget(quality);

  auto* latency = new Card(tr("Latency and memory"));
  latency_ = new QCheckBox(tr("measure"));
  latency->addHeaderWidget(latency_);
  prompt_ = spin(1, 1'000'000);
  generate_ = spin(1, 1'000'000);
  depths_ = new QLineEdit;
  depths_->setToolTip(tr("Tokens already in the cache before the prompt; several, separated by commas, are all measured"));
  repetitions_ = spin(1, 10'000);
  warmup_ = spin(0, 10'000);
  interval_ = decimal(100, 1, tr("as repeated"));
  interval_->setSuffix(QStringLiteral(" %"));
  interval_->setToolTip(tr("Repeat until the interval of the speed is the median ± this share, or a limit is met"));
  memory_ = new QCheckBox(tr("Peak memory in a process of its own"));
  flow = flowOf(latency);
  flow->addWidget(labelled(tr("Prompt tokens"), prompt_));
  flow->addWidget(labelled(tr("Generated"), generate_));
  flow->addWidget(labelled(tr("Depths"), depths_));
  flow->addWidget(labelled(tr("Repetitions"), repetitions_));
  flow->addWidget(labelled(tr("Warm-up"), warmup_));
  flow->addWidget(labelled(tr("Until interval"), interval_));
  flow->addWidget(memory_);
  column->addWidget(latency);

  auto* search = new Card(tr("Which of the plans"));
  method_ = new QComboBox;
  method_->addItem(tr("All of them (grid)"), QStringLiteral("grid"));
  method_->addItem(tr("Random ones"), QStringLiteral("random"));
  method_->addItem(tr("Evenly spread (Sobol)"), QStringLiteral("sobol"));
  method_->addItem(tr("Evolving towards the front (NSGA-II)"), QStringLiteral("nsga2"));
  budget_ = spin(1, static_cast<int>(kMaximumPlans));
  objectives_ = new QLineEdit;
  objectives_->setMinimumWidth(260);
  objectives_->setToolTip(tr("Metrics to be made small, separated by ; and with - in front to be made large"));
  constraints_ = new QLineEdit;
  constraints_->setMinimumWidth(180);
  constraints_->setPlaceholderText(QStringLiteral("bytes_total < 40e6"));
  flow = flowOf(search);
  flow->addWidget(labelled(tr("Measure"), method_));
  flow->addWidget(budgetBox_ = labelled(tr("Plans"), budget_));
  flow->addWidget(objectivesBox_ = labelled(tr("Objectives"), objectives_));
  flow->addWidget(labelled(tr("Constraints"), constraints_));
  column->addWidget(search);

  for (QLineEdit* edit : {name_, data_, depths_, objectives_, constraints_}) connect(edit, &QLineEdit::textChanged, this, &MeasureForm::changed);
  connect(model_, &QComboBox::currentTextChanged, this, &MeasureForm::changed);
  for (QComboBox* box : {task_, method_}) connect(box, &QComboBox::currentIndexChanged, this, [this] { enable(), Q_EMIT changed(); });
  for (QCheckBox* box : {quality_, latency_, dense_, memory_}) connect(box, &QCheckBox::toggled, this, [this] { enable(), Q_EMIT changed(); });
  for (QSpinBox* box : {limit_, context_, prompt_, generate_, repetitions_, warmup_, budget_, seed_, threads_})
    connect(box, &QSpinBox::valueChanged, this, &MeasureForm::changed);
  for (QDoubleSpinBox* box : {untilStderr_, interval_}) connect(box, &QDoubleSpinBox::valueChanged, this, &MeasureForm::changed);
  show(SweepDraft());
}

void MeasureForm::enable() {
  for (QWidget* w : std::initializer_list<QWidget*>{task_, limit_, context_, data_, dense_, untilStderr_}) w->setEnabled(quality_->isChecked());
  for (QWidget* w : std::initializer_list<QWidget*>{prompt_, generate_, depths_, repetitions_, warmup_, interval_, memory_}) w->setEnabled(latency_->isChecked());
  const QString method = method_->currentData().toString();
  budgetBox_->setVisible(method != QStringLiteral("grid"));
  objectivesBox_->setVisible(method == QStringLiteral("nsga2"));
  const Task* task = findTask(utf8(task_->currentData().toString()));
  taskHelp_->setText(task ? text(task->help) : QString());
}

void MeasureForm::setModels(const QStringList& sources) {
  const QSignalBlocker quiet(model_);
  const QString before = model_->currentText();
  model_->clear();
  model_->addItems(sources);
  model_->setCurrentText(before);
}

void MeasureForm::read(SweepDraft& d) const {
  d.name = utf8(name_->text());
  d.model = utf8(model_->currentText().trimmed());
  d.seed = static_cast<std::uint64_t>(seed_->value());
  d.threads = threads_->value();
  d.quality = quality_->isChecked();
  d.task = utf8(task_->currentData().toString());
  d.limit = limit_->value();
  d.context = context_->value();
  d.againstDense = dense_->isChecked();
  d.data = utf8(data_->text().trimmed());
  d.latency = latency_->isChecked();
  d.prompt = prompt_->value();
  d.generate = generate_->value();
  d.depths = depthsOf(depths_->text());
  d.repetitions = repetitions_->value();
  d.warmup = warmup_->value();
  d.interval = interval_->value() / 100;
  d.memory = memory_->isChecked();
  d.untilStderr = untilStderr_->value();
  d.method = utf8(method_->currentData().toString());
  d.budget = budget_->value();
  d.objectives = listOf(objectives_->text());
  d.constraints = listOf(constraints_->text());
}

void MeasureForm::show(const SweepDraft& d) {
  name_->setText(text(d.name));
  model_->setCurrentText(text(d.model));
  seed_->setValue(static_cast<int>(d.seed));
  threads_->setValue(d.threads);
  quality_->setChecked(d.quality);
  if (task_->findData(text(d.task)) < 0) task_->addItem(text(d.task), text(d.task));
  task_->setCurrentIndex(task_->findData(text(d.task)));
  limit_->setValue(static_cast<int>(d.limit));
  context_->setValue(static_cast<int>(d.context));
  dense_->setChecked(d.againstDense);
  data_->setText(text(d.data));
  latency_->setChecked(d.latency);
  prompt_->setValue(static_cast<int>(d.prompt));
  generate_->setValue(static_cast<int>(d.generate));
  if (depthsOf(depths_->text()) != d.depths || depths_->text().isEmpty()) depths_->setText(textOf(d.depths));  // not while it is typed
  repetitions_->setValue(d.repetitions);
  warmup_->setValue(d.warmup);
  interval_->setValue(d.interval * 100);
  memory_->setChecked(d.memory);
  untilStderr_->setValue(d.untilStderr);
  method_->setCurrentIndex(std::max(0, method_->findData(text(d.method))));
  budget_->setValue(static_cast<int>(d.budget));
  objectives_->setText(textOf(d.objectives));
  constraints_->setText(textOf(d.constraints));
  enable();
}

}  // namespace ts
