namespace Tiebreak.Formats.Tokenizers;

/// <summary>What can be wrong with a <c>tokenizer.json</c>, one message an error: the file, the token, what is wrong and the remedy.</summary>
static class TokenizerErrors
{
    const string Own = "give the tokenizer.json that was saved with the model";

    // 1. The file.

    public static TiebreakException TooLong(string path, long length, long limit) => new($"{path}: has {length} bytes, more than the {limit} of any tokenizer; is it another file?");

    public static TiebreakException NotTokenizer(string path) => new($"{path}: does not begin with `{{`, so it is no tokenizer in JSON; {Own}, not tokenizer.model or merges.txt");

    public static TiebreakException NotJson(string path, Exception cause) => new($"{path}: is not JSON: {FileErrors.OneLine(cause.Message)}; download it again", cause);

    public static TiebreakException Twice(string path, string key) => new($"{path}: `{key}` stands twice; {Own}");

    // 2. What it holds.

    public static TiebreakException NoVocabulary(string path) => new($"{path}: has no `model` with a `vocab`; {Own}, not tokenizer_config.json or vocab.json");

    public static TiebreakException NoTokens(string path) => new($"{path}: names no token; {Own}");

    public static TiebreakException Shape(string path, string what, string wanted) => new($"{path}: {what} must be {wanted}; {Own}");

    public static TiebreakException NotText(string path, string what) => new($"{path}: {what} is not text in UTF-8; download it again");

    // 3. Numbers of tokens.

    public static TiebreakException Id(string path, string token, string id, int most) => new($"{path}: the id of the token {token} is {id}, but ids are whole numbers from 0 to {most}; {Own}");

    public static TiebreakException SameId(string path, int id, string token, string other) => new($"{path}: the id {id} belongs to two tokens, {token} and {other}; {Own}");

    public static TiebreakException TooMany(string path, int most) => new($"{path}: has more than the {most} tokens that are read; is it another file?");

    // 4. The model it is for.

    public static TiebreakException NoTable(string path) =>
        new($"--tokenizer {path}: the model has no table with a row for each token, so there is nothing to name; leave --tokenizer out");
}
