"""Mistakes in `fuzz.BASE`, each with what is said of it, but for the file's name.

A message that ends in … goes on in the words of the parser.
"""

# ruff: noqa: E501

from tests.fuzz import BASE

MISTAKES: list[tuple[dict[str, str], str]] = [
    (
        {"hidden_size": "hiden_size"},
        "18: models.stable.hiden_size is not a known key; did you mean hidden_size?",
    ),
    (
        {"hidden_size: 4": "colour: red"},
        "18: models.stable.colour is not a known key; known keys: cell, dataset, hidden_size, num_layers, memory_size, products, seed, precision, attempts, accept, initial, training",
    ),
    ({"datasets:\n": "dataset:\n"}, "1: dataset is not a known key; did you mean datasets?"),
    (
        {"    dataset: phases\n    cell": "    cell"},
        "15: models.stable.dataset is missing; expected the name of a row of `datasets`",
    ),
    (
        {"        learning_rate: 0.01\n": ""},
        "26: models.stable.training[0].learning_rate is missing; expected a number above 0 and up to 10",
    ),
    (
        {"hidden_size: 4": "hidden_size: 0"},
        "18: models.stable.hidden_size is 0; expected a whole number from 1 to 4096",
    ),
    (
        {"hidden_size: 4": "hidden_size: 1000000000"},
        "18: models.stable.hidden_size is 1000000000; expected a whole number from 1 to 4096",
    ),
    (
        {"hidden_size: 4": "hidden_size: 16.0"},
        "18: models.stable.hidden_size is 16.0; expected a whole number from 1 to 4096; write 16",
    ),
    (
        {"hidden_size: 4": "hidden_size: 1e1"},
        "18: models.stable.hidden_size is 10.0; expected a whole number from 1 to 4096; write 10",
    ),
    (
        {"hidden_size: 4": "hidden_size: sixteen"},
        '18: models.stable.hidden_size is "sixteen"; expected a whole number from 1 to 4096',
    ),
    (
        {"hidden_size: 4": "hidden_size: true"},
        "18: models.stable.hidden_size is true; expected a whole number from 1 to 4096",
    ),
    (
        {"hidden_size: 4": "hidden_size:"},
        "18: models.stable.hidden_size is empty; expected a whole number from 1 to 4096",
    ),
    (
        {"hidden_size: 4": "hidden_size: [4, 8]"},
        "18: models.stable.hidden_size is [4, 8]; expected a whole number from 1 to 4096",
    ),
    (
        {"hidden_size: 4": "hidden_size: {a: 1}"},
        '18: models.stable.hidden_size is {"a": 1}; expected a whole number from 1 to 4096',
    ),
    (
        {
            "hidden_size: 4": "hidden_size: 99999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999"
        },
        "18: models.stable.hidden_size is a number of more than 4000 digits",
    ),
    (
        {
            "hidden_size: 4": "hidden_size: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        },
        '18: models.stable.hidden_size is "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…xxxxxxxxxxxxxxxxxx"; expected a whole number from 1 to 4096',
    ),
    (
        {"hidden_size: 4": "hidden_size: '16'"},
        '18: models.stable.hidden_size is "16"; expected a whole number from 1 to 4096; take the quotes away',
    ),
    (
        {"hidden_size: 4": "hidden_size: 2027-01-31"},
        "18: models.stable.hidden_size is of the YAML type timestamp; expected a number or text, without a tag",
    ),
    (
        {"hidden_size: 4": "hidden_size: !!int '4'"},
        "18: models.stable.hidden_size is of the YAML type int; expected a number or text, without a tag",
    ),
    (
        {"hidden_size: 4": "hidden_size: !!python/name:os.system ls"},
        "18: models.stable.hidden_size is of the YAML type python/name:os.system; expected a number or text, without a tag",
    ),
    (
        {"0.01": "'1e-3'"},
        '28: models.stable.training[0].learning_rate is "1e-3"; expected a number above 0 and up to 10; take the quotes away',
    ),
    (
        {"0.01": "0,01"},
        '28: models.stable.training[0].learning_rate is "0,01"; expected a number above 0 and up to 10; write a decimal point',
    ),
    (
        {"0.01": ".nan"},
        "28: models.stable.training[0].learning_rate is NaN; expected a number above 0 and up to 10",
    ),
    (
        {"0.01": ".inf"},
        "28: models.stable.training[0].learning_rate is Infinity; expected a number above 0 and up to 10",
    ),
    (
        {"0.01": "1e400"},
        "28: models.stable.training[0].learning_rate is Infinity; expected a number above 0 and up to 10",
    ),
    (
        {"0.01": "-1e-3"},
        "28: models.stable.training[0].learning_rate is -0.001; expected a number above 0 and up to 10",
    ),
    (
        {"0.01": "1e-3 0"},
        '28: models.stable.training[0].learning_rate is "1e-3 0"; expected a number above 0 and up to 10',
    ),
    (
        {"cell: rnn": "cell: RNN"},
        '17: models.stable.cell is "RNN"; expected one of gru, innovation, linear, lstm, prony, rnn, sine_fit',
    ),
    (
        {"cell: rnn": 'cell: "a\\x07b"'},
        '17: models.stable.cell is "a\\u0007b"; expected one of gru, innovation, linear, lstm, prony, rnn, sine_fit',
    ),
    (
        {"iterations: 20": "iterations: 20\n        carry_hidden_state: yes"},
        '28: models.stable.training[0].carry_hidden_state is "yes"; expected true or false',
    ),
    (
        {"method: echo_state": "method: echo"},
        '23: models.stable.initial.method is "echo"; expected one of echo_state, normal, uniform',
    ),
    (
        {"      method: echo_state\n": ""},
        "22: models.stable.initial.method is missing; expected one of echo_state, normal, uniform",
    ),
    (
        {"method: echo_state": "method: normal"},
        "22: models.stable.initial.sd is missing; expected a number above 0 and up to 10\n24: models.stable.initial.input_scale is not a known key; known keys: method, sd",
    ),
    (
        {"precision: float64": "precision: float32"},
        "25: models.stable.training runs levenberg_marquardt in float32; expected precision: float64",
    ),
    (
        {"frequency: [0.9, 1.1]": "frequency: [1.1, 0.9]"},
        "8: datasets.phases.frequency is [1.1, 0.9]; expected [low, high], got 1.1 above 0.9",
    ),
    (
        {"frequency: [0.9, 1.1]": "frequency: [1, 2, 3]"},
        "8: datasets.phases.frequency is [1, 2, 3]; expected a number from 1e-06 to 1000000 or a list of 2 items, each a number from 1e-06 to 1000000 [rad per unit of time]",
    ),
    (
        {"frequency: [0.9, 1.1]": "frequency: [0.9, fast]"},
        '8: datasets.phases.frequency[1] is "fast"; expected a number from 1e-06 to 1000000',
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
        '7: datasets.phases.phase is "unifrom"; expected uniform or a list of 1 or more items, each a number from -1000000 to 1000000 [rad]',
    ),
    (
        {"phase: uniform": "phase: [0, north]"},
        '7: datasets.phases.phase[1] is "north"; expected a number from -1000000 to 1000000',
    ),
    (
        {"phase: uniform": "phase: []"},
        "7: datasets.phases.phase is []; expected uniform or a list of 1 or more items, each a number from -1000000 to 1000000 [rad]",
    ),
    (
        {"warmup: 19": "warmup: 49"},
        "29: models.stable.training[1].warmup is 49; expected 48 at most: datasets.phases has 50 steps, and one must be left to predict",
    ),
    (
        {"lags: 2": "lags: 50"},
        "14: models.linear.lags is 50; expected 49 at most: datasets.phases has 50 steps, and one must be left to predict",
    ),
    (
        {"    dataset: phases\n    cell": "    dataset: blogs\n    cell"},
        "16: models.stable.dataset is blogs; expected a row of datasets; did you mean blog?",
    ),
    (
        {"  stable:": "  linear:"},
        "15: models.linear stands on line 14 already; rename one of the two",
    ),
    (
        {"  stable:": "  Linear:"},
        "15: models.Linear differs from linear in case alone, which some file systems ignore",
    ),
    (
        {"  stable:": "  ../stable:"},
        "15: models.../stable is no name of a row; expected up to 100 of a to z, A to Z, 0 to 9, _ and -",
    ),
    (
        {"  stable:": "  sta.ble:"},
        "15: models.sta.ble is no name of a row; expected up to 100 of a to z, A to Z, 0 to 9, _ and -",
    ),
    (
        {"  stable:": "  -x:"},
        "15: models.-x is no name of a row; expected up to 100 of a to z, A to Z, 0 to 9, _ and -",
    ),
    (
        {"  stable:": "  figures:"},
        "15: models.figures has the name of a folder of reports/; expected another",
    ),
    ({"  stable:": "  7:"}, "15: models.7 is a key that is no text; put it in quotes"),
    ({"  stable:": "  true:"}, "15: models.true is a key that is no text; put it in quotes"),
    ({"  stable:": "  ~:"}, "15: models.~ is a key that is no text; put it in quotes"),
    ({"  stable:": "  [a]:"}, "15: models.? is a key that is no text; put it in quotes"),
    (
        {"  stable:": "  $(touch x):"},
        "15: models.$(touch x) is no name of a row; expected up to 100 of a to z, A to Z, 0 to 9, _ and -",
    ),
    (
        {"  stable:": "  café:"},
        "15: models.café is no name of a row; expected up to 100 of a to z, A to Z, 0 to 9, _ and -",
    ),
    (
        {
            "  stable:": "  sssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss:"
        },
        "15: models.ssssssssssssssssssssssssssssssssssssssss…sssssssssssssssssss is no name of a row; expected up to 100 of a to z, A to Z, 0 to 9, _ and -",
    ),
    (
        {"seed: 2": "seed: 2\n    seed: 3"},
        "5: datasets.phases.seed stands on line 4 already; rename one of the two",
    ),
    (
        {"    training:\n": "    training: {}\n    initial_:\n"},
        "25: models.stable.training is {}; expected a list of 1 to 100 items, each a mapping with the key phase\n26: models.stable.initial_ is not a known key; did you mean initial?",
    ),
    (
        {"hidden_size: 4": "hidden_size: 400"},
        "15: models.stable needs 51971 million numbers in memory; expected 200 million at most: fewer or shorter sequences, fewer units",
    ),
    (
        {"hidden_size: 4": "hidden_size: 4096\n    num_layers: 64"},
        "15: models.stable needs 9084323681861 million numbers in memory; expected 200 million at most: fewer or shorter sequences, fewer units",
    ),
    (
        {"seed: 2": "seed: 2\n    sequences: 1000000\n    steps: 50\n"},
        "8: datasets.phases.steps stands on line 6 already; rename one of the two",
    ),
    (
        {"[0.9, 1.1]": "[1e-6, 1]"},
        "12: datasets.phases.periods is 5; expected 3 at most: one of them is 3.079e+07 steps",
    ),
    (
        {
            "seed: 2": "seed: 2\n    test_sequences: 66000",
            "frequency: [0.9, 1.1]": "frequency: 0.01",
        },
        "3: datasets.phases needs 610 million numbers in memory; expected 200 million at most: fewer or shorter sequences, fewer units",
    ),
    ({"seed: 2": "\tseed: 2"}, "4: begins with a tab; YAML is indented with spaces alone"),
    (
        {"seed: 2": "seed: [2"},
        "5: is not valid YAML: …",
    ),
    ({"seed: 2": "seed: 2: 3"}, "4: has a second `: `, or is indented unlike the lines around it"),
    ({"seed: 2": "seed: *two"}, "4: is not valid YAML: …"),
    (
        {"seed: 2": "seed: 'two"},
        "39: is not valid YAML: …",
    ),
    (
        {"seed: 2": "seed: @2"},
        "4: is not valid YAML: …",
    ),
    ({"seed: 2": "seed: \x07"}, "4: holds the control character U+0007; take it away"),
    (
        {"    seed: 2": "   seed: 2"},
        "5: has a second `: `, or is indented unlike the lines around it",
    ),
    ({"datasets:": "%YAML 1.1\n---\ndatasets:"}, "1: has a YAML directive; take it away"),
    (
        {"models:": "---\nmodels:"},
        "13: begins a second document; expected one, without `---` in the file",
    ),
    (
        {
            "seed: 2": "seed: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"
        },
        "4: is nested more than 32 deep; expected sections, rows and settings",
    ),
    ({"seed: 2": "seed: \u20282"}, "4: has the line break U+2028; take it away"),
    ({BASE: ""}, "1: is empty; expected sections such as `datasets:`"),
    ({BASE: "# nothing\n"}, "1: is empty; expected sections such as `datasets:`"),
    ({BASE: "- 1\n"}, "1: is not a mapping; expected sections such as `datasets:`"),
    ({BASE: "text\n"}, "1: is not a mapping; expected sections such as `datasets:`"),
    (
        {BASE: "datasets:\nmodels: {}\nevaluate: 5\n"},
        "1: datasets is empty; expected rows, each with its settings below\n1: plot is missing; expected a mapping with the keys hero, one_sine, any_sine\n2: models is {}; expected rows, each with its settings below\n3: evaluate is not a known key; known keys: datasets, models, plot",
    ),
    ({BASE: "#" * 1_000_001}, " has 1000001 characters; expected 1000000 at most"),
    (
        {"iterations: 20": "iterations: 20\n        batch: 100000\n    num_layers: 8"},
        "30: has a second `: `, or is indented unlike the lines around it",
    ),
    (
        {
            "hidden_size: 4": "hidden_size: 40",
            "iterations: 20": "iterations: 20\n        batch: 100000",
        },
        "15: models.stable needs 600 million numbers in memory; expected 200 million at most: fewer or shorter sequences, fewer units",
    ),
    (
        {
            "steps: 50": "steps: 500000\n    sequences: 1\n    validation_sequences: 1\n    test_sequences: 1"
        },
        "18: models.stable needs 384 million numbers in memory; expected 200 million at most: fewer or shorter sequences, fewer units",
    ),
    (
        {"seed: 2": "sequences: 1000000", "lags: 2": "lags: 10"},
        "14: models.linear needs 550 million numbers in memory; expected 200 million at most: fewer or shorter sequences, fewer units",
    ),
    (
        {"seed: 2": "test_sequences: 600000"},
        "3: datasets.phases needs 922 million numbers in memory; expected 200 million at most: fewer or shorter sequences, fewer units",
    ),
    (
        {
            "datasets:\n": "datasets:\n  a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n  b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n  c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\n  d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n  e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\n"
        },
        "5: datasets.e[7] holds more than 100000 values, or 32 inside each other, aliases written out",
    ),
    (
        {"plot:\n": "extra: 1\nplot:\n"},
        "36: extra is not a known key; known keys: datasets, models, plot",
    ),
    (
        {"plot:\n": "gate: {rules: []}\nplot:\n"},
        "36: gate is not a known key; known keys: datasets, models, plot",
    ),
    (
        {"    noise: 1e-3\n    warmup: 20\n": "    noise: 1e-3\n    warmup: 49\n"},
        "11: datasets.phases.warmup is 49; expected 48 at most: of 50 steps, one must count",
    ),
    (
        {"  hero: [linear, stable]": "  hero: stable"},
        '37: plot.hero is "stable"; expected a list of 0 to 4 items, each text',
    ),
    (
        {"  hero: [linear, stable]": "  hero: [a, b, c, d, e]"},
        '37: plot.hero is ["a", "b", "c", "d", "e"]; expected a list of 0 to 4 items, each text',
    ),
    ({"any_sine: stable": "any_sine: [stable]"}, '38: plot.any_sine is ["stable"]; expected text'),
    (
        {"[1, 5]": "[5, 1]"},
        "32: models.stable.training[2].free_steps is [5, 1]; expected ascending steps, none of them twice",
    ),
    (
        {"[1, 5]": "[1, 5.5]"},
        "32: models.stable.training[2].free_steps[1] is 5.5; expected a whole number from 1 to 100000",
    ),
    (
        {"[1, 5]": "[1, 31]"},
        "31: models.stable.training[2].warmup is 20; expected 19 at most: datasets.phases has 50 steps, and one must be left to predict",
    ),
    (
        {"        warmup: 20\n        free_steps: [1, 5]\n": "        warmup: 5\n"},
        "30: models.stable.training[2].free_steps is []; expected steps of the free run, or a warmup above 10",
    ),
    (
        {"phase: adam": "phase: adamant"},
        '26: models.stable.training[0].phase is "adamant"; expected one of adam, levenberg_marquardt, recursive_levenberg_marquardt, ridge',
    ),
    (
        {"      - phase: adam\n        iterations: 20": "      - iterations: 20"},
        "26: models.stable.training[0].phase is missing; expected one of adam, levenberg_marquardt, recursive_levenberg_marquardt, ridge",
    ),
    (
        {
            "      - phase: adam\n        iterations: 20": "      - 5\n      - phase: adam\n        iterations: 20"
        },
        "26: models.stable.training[0] is 5; expected a mapping with the key phase",
    ),
    (
        {"{phase: ridge, warmup: 19}": "{phase: ridge, ridge: 2}"},
        "29: models.stable.training[1].ridge is 2; expected a number from 1e-15 to 1",
    ),
    (
        {"{phase: ridge, warmup: 19}": "{phase: ridge, warmpu: 19}"},
        "29: models.stable.training[1].warmpu is not a known key; did you mean warmup?",
    ),
    (
        {"{phase: ridge, warmup: 19}": "{phase: ridge, ridge: {a: 1}, warmup: [1]}"},
        '29: models.stable.training[1].ridge is {"a": 1}; expected a number from 1e-15 to 1\n29: models.stable.training[1].warmup is [1]; expected a whole number from 0 to 1000000',
    ),
    (
        {"iterations: 3": "iterations: 3.0"},
        "35: models.stable.training[2].iterations is 3.0; expected a whole number from 1 to 100000; write 3",
    ),
    (
        {"cell: rnn": "cell: innovation"},
        "25: models.stable.training has a ridge phase; expected levenberg_marquardt or adam: the cell",
    ),
    (
        {"cell: rnn": "cell: prony"},
        "18: models.stable.hidden_size is not a known key; known keys: cell, dataset\n19: models.stable.seed is not a known key; known keys: cell, dataset\n20: models.stable.precision is not a known key; known keys: cell, dataset\n21: models.stable.accept is not a known key; known keys: cell, dataset\n22: models.stable.initial is not a known key; known keys: cell, dataset\n25: models.stable.training is not a known key; known keys: cell, dataset",
    ),
    (
        {"cell: rnn": "cell: [rnn]"},
        '17: models.stable.cell is ["rnn"]; expected one of gru, innovation, linear, lstm, prony, rnn, sine_fit',
    ),
    (
        {"    cell: rnn\n": ""},
        "15: models.stable.cell is missing; expected one of gru, innovation, linear, lstm, prony, rnn, sine_fit",
    ),
    (
        {"accept: {periods: 2}": "accept: {periods: 0, rmse: -1}"},
        "21: models.stable.accept.periods is 0; expected a whole number from 1 to 100000\n21: models.stable.accept.rmse is -1; expected a number above 0 and up to 1000000",
    ),
    (
        {"accept: {periods: 2}": "accept: {warmup: 51}"},
        "21: models.stable.accept.warmup is 51; expected 50 at most: datasets.phases has 50 steps, and one must be left to predict",
    ),
    (
        {
            "accept: {periods: 2}": "accept: {periods: 2}\n    num_layers: 2",
            "cell: rnn": "cell: innovation",
            "- {phase: ridge, warmup: 19}": "- {phase: adam, iterations: 1, learning_rate: 1}",
        },
        "22: models.stable.num_layers is 2; expected 1: the cell innovation has one layer",
    ),
    (
        {
            "blog: {sequences: 20, warmup: 20, periods: 5}": "blog: {sequences: 9000000, warmup: 20, periods: 5}"
        },
        "2: datasets.blog needs 900 million numbers in memory; expected 200 million at most: fewer or shorter sequences, fewer units",
    ),
    (
        {"blog: {sequences: 20, warmup: 20, periods: 5}": "blog: &b {sequences: 20, <<: *b}"},
        "2: datasets.blog holds more than 100000 values, or 32 inside each other, aliases written out",
    ),
    (
        {"blog: {sequences: 20, warmup: 20, periods: 5}": "blog: &b {sequences: *b}"},
        "2: datasets.blog.sequences holds more than 100000 values, or 32 inside each other, aliases written out",
    ),
    (
        {"blog: {sequences: 20, warmup: 20, periods: 5}": "blog: {<<: 5}"},
        "2: merges what is no mapping; expected an alias, such as `<<: *name`",
    ),
    (
        {"blog: {sequences: 20, warmup: 20, periods: 5}": "blog: {<<: {seed: 1}, <<: {seed: 2}}"},
        "2: datasets.blog.<< stands on line 2 already; rename one of the two",
    ),
    (
        {"blog: {sequences: 20, warmup: 20, periods: 5}": "blog: 5"},
        "2: datasets.blog is 5; expected a mapping with the keys seed, sequences, validation_sequences, test_sequences, steps, span, phase, frequency, amplitude, noise, test_seed, test_phase, warmup, periods",
    ),
    (
        {"blog: {sequences: 20, warmup: 20, periods: 5}": "blog:"},
        "2: datasets.blog is empty; expected a mapping with the keys seed, sequences, validation_sequences, test_sequences, steps, span, phase, frequency, amplitude, noise, test_seed, test_phase, warmup, periods",
    ),
    (
        {"blog: {sequences: 20, warmup: 20, periods: 5}": "blog: [1]"},
        "2: datasets.blog is [1]; expected a mapping with the keys seed, sequences, validation_sequences, test_sequences, steps, span, phase, frequency, amplitude, noise, test_seed, test_phase, warmup, periods",
    ),
    (
        {
            "blog: {sequences: 20, warmup: 20, periods: 5}": "blog: {sequences: 20, warmup: 20, periods: 5, span: 1e3}"
        },
        "2: datasets.blog.frequency is 1.0; expected less than 0.1539, the Nyquist frequency of 50 steps over a span of 1000",
    ),
    (
        {
            "    noise: 1e-3\n    warmup: 20\n    periods: 5\n": "    noise: 1e-3\n    warmup: 20\n    periods: many\n",
            "hidden_size: 4": "hidden_size: 0",
            "steps: 50": "step: 50",
            "method: echo_state": "method: eco",
            "{dataset: phases, cell: linear, lags: 2}": "{dataset: phase, cell: linear, lags: 2}",
        },
        '5: datasets.phases.step is not a known key; did you mean steps?\n12: datasets.phases.periods is "many"; expected a whole number from 1 to 100000\n14: models.linear.dataset is phase; expected a row of datasets; did you mean phases?\n18: models.stable.hidden_size is 0; expected a whole number from 1 to 4096\n23: models.stable.initial.method is "eco"; expected one of echo_state, normal, uniform',
    ),
    (
        {
            "blog: {sequences: 20, warmup: 20, periods: 5}": "blog: &blog {sequences: 20, steps: 40, warmup: 20, periods: 5}",
            "phases:\n    seed: 2": "phases:\n    <<: *blog\n    sed: 2",
        },
        "5: datasets.phases.sed is not a known key; did you mean seed?",
    ),
    (
        {
            "blog: {sequences: 20, warmup: 20, periods: 5}": "blog: &blog {sequences: 20, step: 40, warmup: 20, periods: 5}",
            "phases:\n    seed: 2": "phases:\n    <<: *blog\n    seed: 2",
        },
        "2: datasets.blog.step is not a known key; did you mean steps?\n2: datasets.phases.step is not a known key; did you mean steps?",
    ),
    (
        {"    seed: 2\n": "<<<<<<< HEAD\n    seed: 2\n=======\n    seed: 3\n>>>>>>> other\n"},
        "4: has an unresolved merge conflict, lines 4 to 8; keep one side, and take the lines with <<<<<<<, ======= and >>>>>>> away",
    ),
    (
        {"    seed: 2\n": "<<<<<<< HEAD\n    seed: 2\n=======\n    seed: 3\n"},
        "4: has an unresolved merge conflict, lines 4 to 41; keep one side, and take the lines with <<<<<<<, ======= and >>>>>>> away",
    ),
    (
        {BASE: "datasets:\nmodels: {}\nplot: 5\n"},
        "1: datasets is empty; expected rows, each with its settings below\n2: models is {}; expected rows, each with its settings below\n3: plot is 5; expected a mapping with the keys hero, one_sine, any_sine",
    ),
    (
        {"noise: 1e-3\n    warmup": "noise: !x 1\n    warmup"},
        "10: datasets.phases.noise is of the YAML type !x; expected a number or text, without a tag",
    ),
    (
        {"noise: 1e-3\n    warmup": "noise: !!set {a}\n    warmup"},
        "10: datasets.phases.noise is of the YAML type set; expected a number or text, without a tag",
    ),
    (
        {"noise: 1e-3\n    warmup": "noise: =\n    warmup"},
        "10: datasets.phases.noise is of the YAML type value; expected a number or text, without a tag",
    ),
]
