// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/pages/models_page.h"

#include <QAction>
#include <QComboBox>
#include <QDragEnterEvent>
#include <QFileDialog>
#include <QFileInfo>
#include <QLineEdit>
#include <QListWidget>
#include <QMimeData>
#include <QProgressBar>
#include <QSlider>
#include <QSortFilterProxyModel>
#include <QStackedWidget>
#include <QTabBar>

#include "engine/core/model_path.h"
#include "widgets/base/buttons.h"
#include "widgets/base/facts.h"
#include "widgets/base/flow_layout.h"
#include "widgets/base/grid_model.h"
#include "widgets/base/icons.h"
#include "widgets/base/layout.h"
#include "widgets/base/settings.h"
#include "widgets/base/table.h"
#include "widgets/base/text.h"
#include "widgets/base/theme.h"
#include "widgets/models/memory_bar.h"
#include "widgets/models/summary.h"
#include "widgets/models/tensor_model.h"
#include "widgets/services/model_service.h"

namespace ts {
namespace {

QString shown(const QString& source) {
  return source.startsWith(QStringLiteral("embedded:")) ? source.mid(9) : QFileInfo(source).fileName();
}

}  // namespace

ModelsPage::ModelsPage(ModelService& models, UserSettings& settings, QWidget* parent) : QWidget(parent), models_(models), settings_(settings) {
  setAcceptDrops(true);
  const auto action = [this](const char* iconName, const QString& text, const QKeySequence& keys, auto slot) {
    auto* a = new QAction(icon(QLatin1String(iconName)), text, this);
    a->setShortcut(keys);
    connect(a, &QAction::triggered, this, slot);
    actions_ << a;
    return a;
  };
  QAction* openFile = action("open", tr("Open model file…"), QKeySequence::Open, &ModelsPage::openFile);
  QAction* openFolder = action("open", tr("Open model folder…"), QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_O), &ModelsPage::openFolder);

  auto* header = new PageHeader(tr("Models"), tr("What do I have, what is inside it, will it fit?"));
  auto* folder = new QPushButton(icon(QStringLiteral("open")), tr("Open folder…"));
  connect(folder, &QPushButton::clicked, openFolder, &QAction::trigger);
  auto* file = new PrimaryButton(QStringLiteral("open"), tr("Open file…"));
  connect(file, &QPushButton::clicked, openFile, &QAction::trigger);
  header->addWidget(folder);
  header->addWidget(file);

  auto* inside = new QWidget;
  auto* insideColumn = new QVBoxLayout(inside);
  insideColumn->setContentsMargins(0, 0, 0, 0);
  insideColumn->setSpacing(space::kMedium);
  insideColumn->addWidget(makeFacts());
  insideColumn->addWidget(makeTensors(), 1);
  auto* empty = new EmptyState(QStringLiteral("models"), tr("Open a model to look inside"),
                               tr("Drop a GGUF file or a Hugging Face folder here, or choose one of the models that come with the program at the left."));
  connect(empty->addButton(QStringLiteral("models"), tr("Open ts-16m"), true), &QAbstractButton::clicked, this,
          [this] { models_.open(QStringLiteral("embedded:ts-16m")); });
  stack_ = new ContentOrEmpty(inside, empty);

  auto* columns = new QHBoxLayout;
  columns->setSpacing(space::kMedium);
  columns->addWidget(makeLibrary());
  columns->addWidget(stack_, 1);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(space::kLarge, space::kLarge, space::kLarge, space::kMedium);
  column->setSpacing(space::kMedium);
  column->addWidget(header);
  column->addLayout(columns, 1);

  connect(&models_, &ModelService::busyChanged, this, &ModelsPage::setBusy);
  connect(&models_, &ModelService::currentChanged, this, [this] {
    error_->hide();
    settings_.addRecentModel(text(models_.current()->source));
    show(models_.current()->summary);
  });
  connect(&models_, &ModelService::failed, this, [this](const QString& source, const QString& message) {
    error_->setText(tr("%1 could not be opened: %2").arg(shown(source), message));
    error_->show();
  });
  connect(&settings_, &UserSettings::recentModelsChanged, this, &ModelsPage::fillLibrary);
  fillLibrary();
  if (models_.current()) show(models_.current()->summary);
}

QWidget* ModelsPage::makeLibrary() {
  auto* card = new Card(tr("Library"));
  card->setFixedWidth(230);
  library_ = new QListWidget;
  library_->setFrameShape(QFrame::NoFrame);
  library_->setIconSize(QSize(18, 18));
  library_->setSpacing(1);
  library_->setTextElideMode(Qt::ElideMiddle);
  library_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  library_->setAccessibleName(tr("Models that come with the program and recent ones"));
  connect(library_, &QListWidget::itemActivated, this, [this](QListWidgetItem* item) { models_.open(item->data(Qt::UserRole).toString()); });
  connect(library_, &QListWidget::itemClicked, this, [this](QListWidgetItem* item) { models_.open(item->data(Qt::UserRole).toString()); });
  card->body()->addWidget(library_, 1);
  busy_ = mutedLabel({});
  progress_ = new QProgressBar;
  progress_->setRange(0, 0);
  progress_->setMaximumHeight(8);
  progress_->setTextVisible(false);
  error_ = new QLabel;
  error_->setWordWrap(true);
  error_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  error_->hide();
  card->body()->addWidget(error_);
  card->body()->addWidget(busy_);
  card->body()->addWidget(progress_);
  card->body()->addWidget(mutedLabel(tr("Drop a GGUF file or a folder anywhere on this page.")));
  setBusy(false);
  return card;
}

QWidget* ModelsPage::makeFacts() {
  auto* row = new QWidget;
  auto* layout = new QHBoxLayout(row);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(space::kMedium);
  row->setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Maximum);

  auto* what = new Card;
  name_ = headingLabel({});
  QFont large = name_->font();
  large.setPointSizeF(large.pointSizeF() * 1.25);
  name_->setFont(large);
  shape_ = mutedLabel({});
  facts_ = new FactList;
  what->body()->addWidget(name_);
  what->body()->addWidget(shape_);
  what->body()->addWidget(facts_);
  what->body()->addStretch(1);
  layout->addWidget(what, 5);

  auto* fit = new Card(tr("Will it fit?"));
  total_ = headingLabel({});
  fit->addHeaderWidget(total_);
  contextText_ = new QLabel;
  context_ = new QSlider(Qt::Horizontal);
  context_->setAccessibleName(tr("Context length"));
  codec_ = new QComboBox;
  codec_->addItem(tr("f32 (as computed)"), QString());
  for (const std::string& id : kvCodecs()) codec_->addItem(text(id), text(id));
  memory_ = new MemoryBar;
  auto* contextRow = new QHBoxLayout;
  contextRow->addWidget(contextText_);
  contextRow->addWidget(context_, 1);
  fit->body()->addLayout(contextRow);
  fit->body()->addWidget(labelled(tr("Key/value rows stored as"), codec_));
  fit->body()->addWidget(memory_);
  auto* next = new QHBoxLayout;
  next->addStretch(1);
  auto* play = new QPushButton(icon(QStringLiteral("playground")), tr("Try it"));
  auto* plan = new QPushButton(icon(QStringLiteral("experiment")), tr("Experiment"));
  connect(play, &QPushButton::clicked, this, &ModelsPage::playgroundRequested);
  connect(plan, &QPushButton::clicked, this, &ModelsPage::experimentRequested);
  next->addWidget(play);
  next->addWidget(plan);
  fit->body()->addStretch(1);
  fit->body()->addLayout(next);
  layout->addWidget(fit, 4);
  connect(context_, &QSlider::valueChanged, this, &ModelsPage::forecast);
  connect(codec_, &QComboBox::currentIndexChanged, this, &ModelsPage::forecast);
  return row;
}

QWidget* ModelsPage::makeTensors() {
  tensors_ = new TensorModel(this);
  sorted_ = new QSortFilterProxyModel(this);
  sorted_->setSourceModel(tensors_);
  sorted_->setSortRole(Qt::UserRole);
  sorted_->setFilterCaseSensitivity(Qt::CaseInsensitive);
  sorted_->setFilterKeyColumn(-1);
  auto* card = new Card;
  auto* tabs = new QTabBar;
  tabs->setDrawBase(false);
  tabs->setExpanding(false);
  tabs->setAccessibleName(tr("Inside the model"));
  tabs->addTab(tr("Tensors"));
  tabs->addTab(tr("Metadata"));
  auto* stack = new QStackedWidget;
  connect(tabs, &QTabBar::currentChanged, stack, &QStackedWidget::setCurrentIndex);
  tensorCount_ = mutedLabel({});
  tensorCount_->setWordWrap(false);
  auto* search = new QLineEdit;
  search->setPlaceholderText(tr("Filter"));
  search->setClearButtonEnabled(true);
  search->setMaximumWidth(180);
  search->setAccessibleName(tr("Filter tensors and metadata"));
  metadata_ = new GridModel(this);
  auto* metadataFound = new QSortFilterProxyModel(this);
  metadataFound->setSourceModel(metadata_);
  metadataFound->setFilterCaseSensitivity(Qt::CaseInsensitive);
  metadataFound->setFilterKeyColumn(-1);
  for (QSortFilterProxyModel* found : {sorted_, metadataFound}) connect(search, &QLineEdit::textChanged, found, &QSortFilterProxyModel::setFilterFixedString);
  connect(tabs, &QTabBar::currentChanged, tensorCount_, [this](int tab) { tensorCount_->setVisible(tab == 0); });
  auto* head = new QHBoxLayout;
  head->setSpacing(space::kSmall);
  head->addWidget(tabs);
  head->addStretch(1);
  head->addWidget(tensorCount_);
  head->addWidget(search);
  card->body()->addLayout(head);
  table_ = new Table(sorted_);
  table_->setSortingEnabled(true);
  table_->sortByColumn(-1, Qt::AscendingOrder);
  table_->setAccessibleName(tr("Tensors"));
  metadataTable_ = new Table(metadataFound);
  metadataTable_->setTextElideMode(Qt::ElideRight);
  metadataTable_->setAccessibleName(tr("Metadata"));
  stack->addWidget(table_);
  stack->addWidget(metadataTable_);
  card->body()->addWidget(stack, 1);
  return card;
}

void ModelsPage::show(const ModelSummary& m) {
  shown_ = std::make_unique<ModelSummary>(m);
  const ModelConfig& c = m.config;
  name_->setText(c.name.empty() ? shown(text(m.source)) : text(c.name));
  shape_->setText(tr("%1 · %2 layers · %3 heads (%4 key/value) of %5 · width %6 · MLP %7")
                      .arg(text(c.architecture)).arg(c.layerCount()).arg(c.heads).arg(c.kvHeads).arg(c.headDim).arg(c.hidden).arg(c.intermediate));
  const QString tokenizer = m.tokenizerKind.empty() ? tr("none") : tr("%1, %2 tokens").arg(text(m.tokenizerKind)).arg(m.tokenizerSize);
  facts_->setFacts({{tr("Parameters"), countText(static_cast<double>(m.parameters)), QString::number(m.parameters)},
                    {tr("Weights stored as"), text(m.weightFormat)},
                    {tr("Format"), text(m.container)},
                    {tr("On disk"), bytesText(static_cast<double>(m.fileBytes))},
                    {tr("Trained context"), tr("%1 tokens").arg(c.contextLength)},
                    {tr("Tokenizer"), tokenizer},
                    {tr("Chat template"), m.chatTemplate.empty() ? tr("none") : tr("yes"), text(m.chatTemplate)},
                    {tr("Fingerprint"), text(m.fingerprint).left(16) + QStringLiteral("…"), text(m.fingerprint)}});
  std::vector<GridModel::Row> metadata;
  for (const auto& [key, value] : m.metadata) metadata.push_back({{text(key), {}}, {text(value).simplified().left(500), text(value).left(2000)}});
  metadata_->set({tr("Key"), tr("Value")}, std::move(metadata));
  metadataTable_->resizeColumnToContents(0);
  metadataTable_->setFillColumn(1, 200);
  tensors_->set(m.tensors);
  tensorCount_->setText(tr("%n tensor(s), %1", nullptr, static_cast<int>(m.tensors.size())).arg(bytesText(static_cast<double>(m.weightBytes))));
  table_->resizeColumnsToContents();
  table_->setColumnWidth(0, std::max(190, table_->columnWidth(0)));
  for (int c = 1; c < TensorModel::ColumnCount; ++c) table_->setColumnWidth(c, table_->columnWidth(c) + 14);
  table_->setFillColumn(0, std::max(190, table_->columnWidth(0)));
  const int steps = static_cast<int>(std::max<std::int64_t>(2, c.contextLength / 64));
  context_->setRange(1, steps);
  context_->setValue(steps);
  forecast();
  stack_->showContent(true);
  fillLibrary();
}

void ModelsPage::forecast() {
  if (!shown_) return;
  const std::int64_t context = context_->value() * 64ll;
  const MemoryForecast f = forecastMemory(*shown_, context, utf8(codec_->currentData().toString()));
  contextText_->setText(tr("Context %1").arg(context));
  contextText_->setMinimumWidth(fontMetrics().horizontalAdvance(tr("Context %1").arg(context_->maximum() * 64)) + 4);
  total_->setText(bytesText(static_cast<double>(f.total())));
  memory_->set(f);
}

void ModelsPage::setBusy(bool busy) {
  busy_->setText(busy ? tr("Opening %1…").arg(shown(models_.opening())) : QString());
  busy_->setVisible(busy);
  progress_->setVisible(busy);
  if (busy) error_->hide();
}

void ModelsPage::fillLibrary() {
  const QString current = shown_ ? text(shown_->source) : QString();
  library_->clear();
  const auto add = [&](const QString& source, const QString& toolTip, bool usable) {
    auto* item = new QListWidgetItem(icon(usable ? QStringLiteral("models") : QStringLiteral("warning")),
                                     usable ? shown(source) : tr("%1 (gone)").arg(shown(source)), library_);
    item->setData(Qt::UserRole, source);
    item->setToolTip(toolTip);
    if (source == current) library_->setCurrentItem(item);
  };
  const auto heading = [&](const QString& words) {
    auto* item = new QListWidgetItem(words, library_);
    item->setFlags(Qt::NoItemFlags);
  };
  heading(tr("With the program"));
  for (const std::string& name : embeddedModels()) add(QStringLiteral("embedded:") + text(name), tr("Comes with the program"), true);
  QStringList recent;
  for (const QString& path : settings_.recentModels())
    if (!path.startsWith(QStringLiteral("embedded:"))) recent << path;
  if (!recent.isEmpty()) heading(tr("Recent"));
  for (const QString& path : recent) add(path, path, QFileInfo::exists(path));
}

void ModelsPage::openFile() {
  const QString path = QFileDialog::getOpenFileName(this, tr("Open model"), settings_.lastFolder(),
                                                    tr("Models (*.gguf *.safetensors config.json);;All files (*)"));
  if (path.isEmpty()) return;
  settings_.setLastFolder(QFileInfo(path).absolutePath());
  models_.open(path);
}

void ModelsPage::openFolder() {
  const QString path = QFileDialog::getExistingDirectory(this, tr("Open a Hugging Face model folder"), settings_.lastFolder());
  if (path.isEmpty()) return;
  settings_.setLastFolder(path);
  models_.open(path);
}

void ModelsPage::dragEnterEvent(QDragEnterEvent* event) {
  const auto urls = event->mimeData()->urls();
  if (urls.size() == 1 && urls.first().isLocalFile()) event->acceptProposedAction();
}

void ModelsPage::dropEvent(QDropEvent* event) { models_.open(event->mimeData()->urls().first().toLocalFile()); }

}  // namespace ts
