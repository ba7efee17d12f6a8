"""Mistakes in `fuzz.BASE`, each with what is said of it, in full but for the file's name."""

# ruff: noqa: E501

from tools.fuzz import BASE

MISTAKES: list[tuple[dict[str, str], str]] = [
    (
        {"hidden_size": "hiden_size"},
        "16: models.stable.hiden_size is not a known key; did you mean hidden_size?",
    ),
    (
        {"hidden_size: 4": "colour: red"},
        "16: models.stable.colour is not a known key; known keys: dataset, cell, lags, hidden_size, num_layers, seed, precision, attempts, initial, training",
    ),
    ({"datasets:\n": "dataset:\n"}, "1: dataset is not a section; did you mean datasets?"),
    (
        {"    dataset: phases\n    cell": "    cell"},
        "13: models.stable.dataset is missing; expected the name of a row of `datasets`",
    ),
    (
        {"  dataset: phases\n  warmup": "  warmup"},
        "27: evaluate.dataset is missing; expected the name of a row of `datasets`",
    ),
    (
        {"        learning_rate: 0.01\n": ""},
        "23: models.stable.training.adam.learning_rate is missing; expected a number above 0 and up to 10",
    ),
    (
        {"- metrics:": "- metric:"},
        "35: gate.rules[0].metric is not a known key; did you mean metrics?",
    ),
    (
        {"evaluate:": "extra: 1\nevaluate:"},
        "27: extra is not a section; known keys: datasets, models, evaluate, plot, gate",
    ),
    (
        {"hidden_size: 4": "hidden_size: 0"},
        "16: models.stable.hidden_size is 0; expected a whole number from 1 to 4096",
    ),
    (
        {"hidden_size: 4": "hidden_size: 1000000000"},
        "16: models.stable.hidden_size is 1000000000; expected a whole number from 1 to 4096",
    ),
    (
        {"hidden_size: 4": "hidden_size: 16.0"},
        "16: models.stable.hidden_size is 16.0; expected a whole number from 1 to 4096; write 16",
    ),
    (
        {"hidden_size: 4": "hidden_size: 1e1"},
        "16: models.stable.hidden_size is 1e1; expected a whole number from 1 to 4096; write 10",
    ),
    (
        {"hidden_size: 4": "hidden_size: sixteen"},
        "16: models.stable.hidden_size is sixteen; expected a whole number from 1 to 4096",
    ),
    (
        {"hidden_size: 4": "hidden_size: true"},
        "16: models.stable.hidden_size is true; expected a whole number from 1 to 4096",
    ),
    (
        {"hidden_size: 4": "hidden_size:"},
        "16: models.stable.hidden_size is empty; expected a whole number from 1 to 4096",
    ),
    (
        {"hidden_size: 4": "hidden_size: [4, 8]"},
        "16: models.stable.hidden_size is [4, 8]; expected a whole number from 1 to 4096",
    ),
    (
        {"hidden_size: 4": "hidden_size: {a: 1}"},
        "16: models.stable.hidden_size is a mapping; expected a whole number from 1 to 4096",
    ),
    (
        {"hidden_size: 4": "hidden_size: " + "9" * 5000},
        "16: models.stable.hidden_size is 9999999999999999999999999999999999999999…9999999999999999999; expected a number with fewer digits",
    ),
    (
        {"hidden_size: 4": "hidden_size: " + "x" * 5000},
        "16: models.stable.hidden_size is xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…xxxxxxxxxxxxxxxxxxx; expected a whole number from 1 to 4096",
    ),
    (
        {"hidden_size: 4": "hidden_size: '16'"},
        "16: models.stable.hidden_size is '16'; expected a whole number from 1 to 4096; take the quotes away",
    ),
    (
        {"hidden_size: 4": "hidden_size: 2027-01-31"},
        "16: models.stable.hidden_size is 2027-01-31; expected a number, or text in quotes: '2027-01-31'",
    ),
    (
        {"hidden_size: 4": "hidden_size: !!int '4'"},
        "16: models.stable.hidden_size has the YAML tag !!int; take it away",
    ),
    (
        {"hidden_size: 4": "hidden_size: !!python/name:os.system ls"},
        "16: models.stable.hidden_size has the YAML tag !!python/name:os.system; take it away",
    ),
    (
        {"0.01": "'1e-3'"},
        "25: models.stable.training.adam.learning_rate is '1e-3'; expected a number above 0 and up to 10; take the quotes away",
    ),
    (
        {"0.01": "0,01"},
        "25: models.stable.training.adam.learning_rate is 0,01; expected a number above 0 and up to 10; write a decimal point",
    ),
    (
        {"0.01": ".nan"},
        "25: models.stable.training.adam.learning_rate is .nan; expected a number above 0 and up to 10",
    ),
    (
        {"0.01": ".inf"},
        "25: models.stable.training.adam.learning_rate is .inf; expected a number above 0 and up to 10",
    ),
    (
        {"0.01": "1e400"},
        "25: models.stable.training.adam.learning_rate is 1e400; expected a number above 0 and up to 10",
    ),
    (
        {"0.01": "-1e-3"},
        "25: models.stable.training.adam.learning_rate is -1e-3; expected a number above 0 and up to 10",
    ),
    (
        {"0.01": "1e-3 0"},
        "25: models.stable.training.adam.learning_rate is 1e-3 0; expected a number above 0 and up to 10",
    ),
    (
        {"cell: rnn": "cell: RNN"},
        "15: models.stable.cell is RNN; expected one of linear, rnn, gru, lstm",
    ),
    (
        {"cell: rnn": 'cell: "a\\x07b"'},
        "15: models.stable.cell is 'a\\x07b'; expected one of linear, rnn, gru, lstm",
    ),
    (
        {"iterations: 20": "iterations: 20\n        carry_hidden_state: yes"},
        "25: models.stable.training.adam.carry_hidden_state is yes; expected true or false",
    ),
    (
        {"method: echo_state": "method: echo"},
        "20: models.stable.initial.method is echo; expected one of normal, uniform, echo_state",
    ),
    (
        {"      method: echo_state\n": ""},
        "19: models.stable.initial.method is missing; expected one of normal, uniform, echo_state",
    ),
    (
        {"method: echo_state": "method: normal"},
        "19: models.stable.initial.sd is missing; expected a number above 0 and up to 10\n21: models.stable.initial.input_scale is not a known key; known keys: method, sd",
    ),
    (
        {"precision: float64": "precision: float32"},
        "22: models.stable.training runs levenberg_marquardt in float32; expected precision: float64",
    ),
    (
        {"frequency: [0.9, 1.1]": "frequency: [1.1, 0.9]"},
        "8: datasets.phases.frequency is [1.1, 0.9]; expected [low, high], got 1.1 above 0.9",
    ),
    (
        {"frequency: [0.9, 1.1]": "frequency: [1, 2, 3]"},
        "8: datasets.phases.frequency is [1, 2, 3]; expected a number from 1e-6 to 1e6, or [low, high] [rad per unit of time]",
    ),
    (
        {"frequency: [0.9, 1.1]": "frequency: [0.9, fast]"},
        "8: datasets.phases.frequency[1] is fast; expected a number from 1e-6 to 1e6",
    ),
    (
        {"frequency: [0.9, 1.1]": "frequency: [0.9, 15.4]"},
        "8: datasets.phases.frequency is [0.9, 15.4]; expected less than 15.39, the Nyquist frequency of 50 steps over a span of 10",
    ),
    (
        {"span: 10.0": "span: 1000"},
        "8: datasets.phases.frequency is [0.9, 1.1]; expected less than 0.1539, the Nyquist frequency of 50 steps over a span of 1000",
    ),
    (
        {"phase: uniform": "phase: unifrom"},
        "7: datasets.phases.phase is unifrom; expected `uniform` or a list of numbers to draw from [rad]",
    ),
    (
        {"phase: uniform": "phase: [0, north]"},
        "7: datasets.phases.phase[1] is north; expected a number from -1e6 to 1e6 [rad]",
    ),
    (
        {"phase: uniform": "phase: []"},
        "7: datasets.phases.phase is []; expected `uniform` or a list of numbers to draw from [rad]",
    ),
    (
        {"warmup: 20": "warmup: 49"},
        "29: evaluate.warmup is 49; expected 48 at most: a sequence of datasets.phases has 49 predictions, and one must count",
    ),
    (
        {"warmup: 19": "warmup: 49"},
        "26: models.stable.training.levenberg_marquardt.warmup is 49; expected 48 at most: a sequence of datasets.phases has 49 predictions, and one must count",
    ),
    (
        {"lags: 2": "lags: 50"},
        "12: models.linear.lags is 50; expected less than the 50 steps of datasets.phases",
    ),
    (
        {"  dataset: phases\n  warm": "  dataset: phase\n  warm"},
        "28: evaluate.dataset is phase; expected a row of datasets; did you mean phases?",
    ),
    (
        {"    dataset: phases\n    cell": "    dataset: blogs\n    cell"},
        "14: models.stable.dataset is blogs; expected a row of datasets; did you mean blog?",
    ),
    (
        {"  stable:": "  linear:"},
        "13: models.linear stands on line 12 already; rename one of the two, or take it away",
    ),
    (
        {"  stable:": "  Linear:"},
        "13: models.Linear differs from linear on line 12 in case alone; expected another name, since some file systems take the two for one",
    ),
    (
        {"  stable:": "  ../stable:"},
        "13: models.../stable is no name for a row; expected up to 100 of the letters a to z, digits, _ and -, a letter or digit first",
    ),
    (
        {"  stable:": "  sta.ble:"},
        "13: models.sta.ble is no name for a row; expected up to 100 of the letters a to z, digits, _ and -, a letter or digit first",
    ),
    (
        {"  stable:": "  -x:"},
        "13: models.-x is no name for a row; expected up to 100 of the letters a to z, digits, _ and -, a letter or digit first",
    ),
    (
        {"  stable:": "  figures:"},
        "13: models.figures has the name of a folder of reports/; expected another",
    ),
    ({"  stable:": "  7:"}, "13: models.7 is a key that is no text; write '7'"),
    ({"  stable:": "  true:"}, "13: models.true is a key that is no text; write 'true'"),
    ({"  stable:": "  ~:"}, "13: models.~ is a key that is no text; write '~'"),
    ({"  stable:": "  [a]:"}, "11: models has a key that is no text; expected a name"),
    (
        {"  stable:": "  $(touch x):"},
        "13: models.$(touch x) is no name for a row; expected up to 100 of the letters a to z, digits, _ and -, a letter or digit first",
    ),
    (
        {"  stable:": "  café:"},
        "13: models.café is no name for a row; expected up to 100 of the letters a to z, digits, _ and -, a letter or digit first",
    ),
    (
        {"  stable:": "  " + "s" * 101 + ":"},
        "13: models.ssssssssssssssssssssssssssssssssssssssss…sssssssssssssssssss is no name for a row; expected up to 100 of the letters a to z, digits, _ and -, a letter or digit first",
    ),
    (
        {"seed: 2": "seed: 2\n    seed: 3"},
        "5: datasets.phases.seed stands on line 4 already; rename one of the two, or take it away",
    ),
    (
        {"    training:\n": "    training: {}\n    initial_:\n"},
        "22: models.stable.training names no phase; expected adam, levenberg_marquardt, or both\n23: models.stable.initial_ is not a known key; did you mean initial?",
    ),
    (
        {"      adam:\n        iterations: 20\n        learning_rate: 0.01\n": "      adam:\n"},
        "23: models.stable.training.adam is empty; expected settings, or {} for those of `stable`",
    ),
    (
        {
            "      adam:\n        iterations: 20\n        learning_rate: 0.01\n      levenberg_marquardt: {warmup: 19, noise: 1e-3}\n": "      {}\n"
        },
        "22: models.stable.training names no phase; expected adam, levenberg_marquardt, or both",
    ),
    (
        {"blog: {sequences: 20}": "blog: {sequences: 9000000}"},
        "2: datasets.blog.sequences is 9000000; expected 1999872 at most, of 50 steps beside 128 for validation and test: memory",
    ),
    (
        {"hidden_size: 4": "hidden_size: 400"},
        "16: models.stable.hidden_size is 400; expected fewer units: the network has 161200 weights, and levenberg_marquardt takes 10000 at most; train a larger one with adam",
    ),
    (
        {"hidden_size: 4": "hidden_size: 4096\n    num_layers: 64"},
        "16: models.stable.hidden_size is 4096; expected fewer units: with num_layers 64 the network has 2131234816 weights, and 50000000 are the most",
    ),
    (
        {"seed: 2": "seed: 2\n    sequences: 1000000\n    steps: 50\n"},
        "8: datasets.phases.steps stands on line 6 already; rename one of the two, or take it away",
    ),
    (
        {"[0.9, 1.1]": "[1e-6, 1]"},
        "30: evaluate.periods is 5; expected 3 at most: one period of datasets.phases is 3.079e+07 steps, and a free run takes 100000000 steps at most",
    ),
    (
        {
            "seed: 2": "seed: 2\n    test_sequences: 66000",
            "frequency: [0.9, 1.1]": "frequency: 0.01",
        },
        "5: datasets.phases.test_sequences is 66000; expected 64961 at most, since evaluate.dataset is phases: memory",
    ),
    ({"seed: 2": "\tseed: 2"}, "4: begins with a tab; YAML is indented with spaces alone"),
    (
        {"seed: 2": "seed: [2"},
        "5: is not valid YAML: expected ',' or ']', but got ':', in what begins on line 4",
    ),
    ({"seed: 2": "seed: 2: 3"}, "4: has a second `: `, or is indented unlike the lines around it"),
    ({"seed: 2": "seed: *two"}, "4: is not valid YAML: found undefined alias 'two'"),
    (
        {"seed: 2": "seed: 'two"},
        "35: is not valid YAML: expected <block end>, but found '<alias>', in what begins on line 4",
    ),
    (
        {"seed: 2": "seed: @2"},
        "4: is not valid YAML: found character '@' that cannot start any token",
    ),
    ({"seed: 2": "seed: \x07"}, "4: holds the control character U+0007; take it away"),
    (
        {"    seed: 2": "   seed: 2"},
        "5: has a second `: `, or is indented unlike the lines around it",
    ),
    ({"datasets:": "%YAML 1.1\n---\ndatasets:"}, "1: is a YAML directive; take the line away"),
    (
        {"models:": "---\nmodels:"},
        "11: begins a second document; expected one, without `---` in the file",
    ),
    (
        {"blog: {sequences: 20}": "blog: &b {sequences: 20, <<: *b}"},
        "2: datasets.blog.<< expected an alias of a mapping, such as *name",
    ),
    (
        {"blog: {sequences: 20}": "blog: &b {sequences: *b}"},
        "2: datasets.blog.sequences is an alias of what it is inside of; expected a value of its own",
    ),
    (
        {"blog: {sequences: 20}": "blog: {<<: 5}"},
        "2: datasets.blog.<< expected an alias of a mapping, such as *name",
    ),
    (
        {"blog: {sequences: 20}": "blog: {<<: {seed: 1}, <<: {seed: 2}}"},
        "2: datasets.blog.<< stands twice; expected `<<: [*one, *two]`",
    ),
    (
        {
            "seed: 2": "seed: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"
        },
        "4: is nested more than 32 deep; expected sections, rows and settings",
    ),
    (
        {"rel_tol: 1": "rel_tol: -1"},
        "37: gate.rules[0].rel_tol is -1; expected a number from 0, × |baseline|",
    ),
    (
        {"      rel_tol: 1\n": ""},
        "35: gate.rules[0] has no bound; expected any of limit, abs_tol, rel_tol",
    ),
    (
        {"better: lower": "better: less"},
        "36: gate.rules[0].better is less; expected lower or higher",
    ),
    ({BASE: ""}, "1: is empty; expected sections such as `datasets:` at the margin"),
    ({BASE: "# nothing\n"}, "1: is empty; expected sections such as `datasets:` at the margin"),
    ({BASE: "- 1\n"}, "1: is not a mapping; expected sections such as `datasets:` at the margin"),
    ({BASE: "text\n"}, "1: is not a mapping; expected sections such as `datasets:` at the margin"),
    (
        {BASE: "datasets:\nmodels: {}\nevaluate: 5\n"},
        "1: datasets is empty; expected rows, each a name with its settings below it\n1: has no section plot; expected datasets, models, evaluate, plot\n2: models is {}; expected rows, each a name with its settings below it\n3: evaluate is 5; expected a mapping with the keys dataset, warmup, periods",
    ),
    ({BASE: "#" * 1_000_001}, " has 1000001 bytes; expected 1000000 at most"),
    (
        {"iterations: 20": "iterations: 20\n        batch: 100000\n    num_layers: 8"},
        "27: has a second `: `, or is indented unlike the lines around it",
    ),
    (
        {"datasets:\n  blog: {sequences: 20}": "datasets:\n  blog: 5"},
        "2: datasets.blog is 5; expected a mapping with the keys seed, sequences, validation_sequences, test_sequences, steps, span, phase, frequency, amplitude, noise",
    ),
    (
        {
            "hidden_size: 4": "hidden_size: 40",
            "iterations: 20": "iterations: 20\n        batch: 100000",
        },
        "25: models.stable.training.adam.batch is 100000; expected 33333 at most for this network: memory",
    ),
    (
        {"seed: 2": "sequences: 100000", "warmup: 19": "sequences: 100000"},
        "26: models.stable.training.levenberg_marquardt.sequences is 100000; expected 8503 at most for this network and datasets.phases: memory",
    ),
    (
        {
            "sequences: 20": "steps: 51",
            "stable:\n    dataset: phases": "stable:\n    dataset: blog",
        },
        "14: models.stable.dataset is blog; expected a row with the time step of evaluate.dataset phases, 0.204082, got 0.2: give both the same steps and span",
    ),
    (
        {
            "steps: 50": "steps: 500000\n    sequences: 1\n    validation_sequences: 1\n    test_sequences: 1"
        },
        "19: models.stable.hidden_size is 4; expected fewer units, or fewer than the 500000 steps of datasets.phases: memory",
    ),
    (
        {"seed: 2": "sequences: 1000000", "lags: 2": "lags: 10"},
        "12: models.linear.lags is 10; expected 3 at most for the 1000000 sequences of datasets.phases: memory",
    ),
    (
        {"seed: 2": "test_sequences: 600000"},
        "16: models.stable.hidden_size is 4; expected 2 at most for the 600000 test sequences of evaluate.dataset: memory",
    ),
    (
        {
            "seed: 2": "test_sequences: 1000000",
            "steps: 50": "steps: 1000",
            "evaluate:\n  dataset: phases": "evaluate:\n  dataset: blog",
        },
        "3: datasets.phases has sequences 64 by default; expected fewer steps than 1000, or fewer validation and test sequences: memory\n12: models.linear.dataset is phases; expected a row with the time step of evaluate.dataset blog, 0.204082, got 0.01001: give both the same steps and span\n26: models.stable.training.levenberg_marquardt has sequences 32 by default; expected 12 at most for this network and datasets.phases: memory",
    ),
    (
        {"compare: [linear, stable]": "compare: []"},
        "32: plot.compare is []; expected one or two names of rows of `models`",
    ),
    (
        {"compare: [linear, stable]": "compare: stable"},
        "32: plot.compare is stable; expected one or two names of rows of `models`",
    ),
    (
        {"warmup: 19, ": "", "steps: 50": "steps: 20"},
        "26: models.stable.training.levenberg_marquardt has warmup 19 by default; expected 18 at most: a sequence of datasets.phases has 19 predictions, and one must count\n29: evaluate.warmup is 20; expected 18 at most: a sequence of datasets.phases has 19 predictions, and one must count",
    ),
    (
        {
            "hidden_size: 4": "hidden_size: 0",
            "steps: 50": "step: 50",
            "periods: 5": "periods: many",
            "method: echo_state": "method: eco",
        },
        "5: datasets.phases.step is not a known key; did you mean steps?\n16: models.stable.hidden_size is 0; expected a whole number from 1 to 4096\n20: models.stable.initial.method is eco; expected one of normal, uniform, echo_state\n30: evaluate.periods is many; expected a whole number from 1 to 100000",
    ),
    (
        {
            "blog: {sequences: 20}": "blog: &blog {sequences: 20, steps: 40}",
            "phases:\n    seed: 2": "phases:\n    <<: *blog\n    sed: 2",
        },
        "5: datasets.phases.sed is not a known key; did you mean seed?",
    ),
    (
        {
            "datasets:\n": "datasets:\n  a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n  b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n  c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\n  d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n  e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\n"
        },
        " holds more than 100000 values, aliases written out",
    ),
]
