using System.Text;
using Tiebreak.Formats.Formulas.Rewriting;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Formulas;

/// <summary>A formula file (<c>.tb</c>): one loss written as in NumPy, and its leaves, with exact start values.</summary>
public sealed class FormulaReader : IModelFile
{
    /// <summary>The largest text in bytes; large tensors belong into <c>.npy</c> files.</summary>
    public const long LargestText = 4_000_000;

    readonly string _path;
    readonly string _text;
    readonly string _folder;
    readonly FormulaErrors _errors;
    readonly StartValues _starts;
    readonly List<Statement> _statements = [];
    readonly Dictionary<string, int> _lines = new(StringComparer.Ordinal);
    readonly List<(ParameterTensor Tensor, bool Trained)> _tensors = [];
    readonly DataLeaves _data;

    FormulaReader(string text, string path, string folder, string? besides = null)
    {
        (_path, _text, _folder) = (path, text, folder);
        _errors = new FormulaErrors(path, text);
        _starts = new StartValues(folder, _errors, besides);
        _data = new DataLeaves(_starts, _errors);
        foreach (var tokens in new FormulaLexer(text, _errors).Statements()) _statements.Add(FormulaGrammar.Read(tokens, _errors));
        foreach (var statement in _statements) Declare(statement);
        if (!_lines.ContainsKey("loss")) throw _errors.NoLoss();
    }

    /// <inheritdoc/>
    public string Format => "formula";

    /// <inheritdoc/>
    public IReadOnlyList<string> Files => [_path, .. _starts.Files];

    /// <inheritdoc/>
    public IReadOnlyList<string> FreeDims => [];

    /// <inheritdoc/>
    public IReadOnlyList<DataInput> Inputs =>
        [.. _data.All.Select(leaf => new DataInput(leaf.Name, [.. leaf.Shape.Sizes.Select(size => new DataDim(size, null))], HasSampleAxis: false, IsInteger: false))];

    /// <inheritdoc/>
    public IReadOnlyList<EqualData> EqualData => _data.Equal;

    /// <summary>Reads a formula file and the array files it names.</summary>
    /// <exception cref="TiebreakException">It cannot be read or is no formula; the message begins with path, line and column.</exception>
    public static FormulaReader Open(string path) => Open(path, besides: null);

    /// <summary>Reads a formula whose array files may also lie in a second folder.</summary>
    internal static FormulaReader Open(string path, string? besides)
    {
        try
        {
            var size = FileSize.Of(path);
            if (size > LargestText) throw new FormulaErrors(path, "").TooLarge(size, LargestText);
            var text = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(File.ReadAllBytes(path));
            return new FormulaReader(text, path, Path.GetDirectoryName(Path.GetFullPath(path))!, besides);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new TiebreakException($"{path}: cannot be read: {error.Message}", error);
        }
        catch (DecoderFallbackException error)
        {
            throw new TiebreakException($"{path}: is not a text in UTF-8; save it as one", error);
        }
    }

    /// <summary>Reads a formula from its text.</summary>
    /// <param name="text">The formula.</param>
    /// <param name="path">How messages name it.</param>
    /// <param name="folder">Where the array files lie.</param>
    /// <exception cref="TiebreakException">It is no formula; the message begins with path, line and column.</exception>
    public static FormulaReader Parse(string text, string path, string folder) => new(text, path, folder);

    /// <inheritdoc/>
    public Model Lower(LoweringOptions options)
    {
        Refuse(options.Outputs.Count > 0, "--outputs", "a formula has one output, its loss");
        Refuse(options.AlsoOutputs.Count > 0, "--also-output", "a formula's loss sees all it should; add the term to the loss");
        Refuse(options.Opaque.Count > 0, "--opaque", "a formula has no operators of a graph");
        Refuse(options.Batch is not null, "--batch", "a formula's shapes are fixed; write the batch into them");
        Refuse(options.Dims.Count > 0, "--dim", "a formula has no free dimensions; change its shapes");
        string[] names = [.. _tensors.Select(entry => entry.Tensor.Name)];
        NameGlob.RequireHits(options.Freeze, names, "--freeze");
        NameGlob.RequireHits(options.Trainable, names, "--trainable");

        var uses = new ParameterUses();
        var program = Program(uses);
        ProgramGrammar.Check(program);
        var tensors = _tensors.ToLookup(
            entry => (entry.Trained || NameGlob.MatchesAny(options.Trainable, entry.Tensor.Name)) && !NameGlob.MatchesAny(options.Freeze, entry.Tensor.Name),
            entry => entry.Tensor with { Role = uses.Of(entry.Tensor.Name).Role, AxisMeanings = uses.Of(entry.Tensor.Name).Axes });
        return new Model { Program = program, Parameters = [.. tensors[true]], Frozen = [.. tensors[false]], OutputIsLoss = true, Notes = [.. _data.Notes] };
    }

    /// <inheritdoc/>
    public void WriteShrunk(StagedFiles files, Shrinking shrinking) =>
        WriteChanged(
            files,
            new ModelChanges { Tensors = shrinking.Weights.ToDictionary(weight => weight.Key, weight => new ChangedTensor(weight.Value.Values) { Shape = weight.Value.Shape }, StringComparer.Ordinal) },
            string.Concat(shrinking.Metadata.Select(entry => $"# {entry.Key}: {entry.Value.ReplaceLineEndings(" ")}\n")),
            shrinking.Same);

    /// <inheritdoc/>
    public void WriteChanged(StagedFiles files, ModelChanges changes) => WriteChanged(files, changes, "", new Dictionary<string, string>(StringComparer.Ordinal));

    void WriteChanged(StagedFiles files, ModelChanges changes, string head, IReadOnlyDictionary<string, string> same)
    {
        var tensors = _tensors.ToDictionary(entry => entry.Tensor.Name, entry => entry.Tensor, StringComparer.Ordinal);
        var changed = new Dictionary<string, ChangedTensor>(changes.Tensors, StringComparer.Ordinal);
        foreach (var name in changes.Dropped) changed[name] = new ChangedTensor(new UniformTensor(tensors[name].Shape.Count, Rational.Zero));
        foreach (var name in changed.Keys)
            if (!tensors.ContainsKey(name)) throw new TiebreakException($"{_path}: there is no param or const `{name}` to be changed");
        FormulaRewriting.Write(head, _text, _errors, _folder, files, changed, tensors, same);
    }

    /// <inheritdoc/>
    public void Dispose() { }

    void Refuse(bool given, string option, string why)
    {
        if (given) throw new TiebreakException($"{_path}: {option} does not apply to a formula: {why}");
    }

    void Declare(Statement statement)
    {
        switch (statement)
        {
            case Statement.Tensors tensors:
                foreach (var target in tensors.Targets)
                {
                    Declare(target.Name, target.Place);
                    var (shape, values) = _starts.Read(target, tensors.Start);
                    _tensors.Add((new ParameterTensor(target.Name, shape, values), tensors.Trained));
                }

                break;
            case Statement.Data data:
                _data.Add(data, target => Declare(target.Name, target.Place));
                break;
            case Statement.Let let:
                Declare(let.Name, let.Place);
                break;
            case Statement.Loss loss when !_lines.TryAdd("loss", _errors.LineOf(loss.Place)):
                throw _errors.SecondLoss(loss.Place, _lines["loss"]);
        }
    }

    void Declare(string name, int place)
    {
        if (FormulaGrammar.Keywords.Contains(name, StringComparer.Ordinal)) throw _errors.At(place, $"`{name}` begins a line and cannot be a name; choose another");
        if (name.EndsWith(".T", StringComparison.Ordinal) || name.EndsWith('.')) throw _errors.At(place, "a name cannot end in `.` or `.T`, which is the transpose; choose another");
        if (!_lines.TryAdd(name, _errors.LineOf(place))) throw _errors.DeclaredTwice(place, name, _lines[name]);
    }

    TensorProgram Program(ParameterUses uses)
    {
        var builder = new ProgramBuilder();
        var lowering = new FormulaLowering(builder, uses, _starts, _errors);
        var shapes = _tensors.ToDictionary(entry => entry.Tensor.Name, entry => entry.Tensor.Shape, StringComparer.Ordinal);
        var defined = new HashSet<string>(StringComparer.Ordinal);
        foreach (var statement in _statements)
        {
            builder.Origin = $"line {_errors.LineOf(statement.Place)}";
            switch (statement)
            {
                case Statement.Tensors tensors:
                    foreach (var target in tensors.Targets) lowering.Define(target.Name, builder.Parameter(target.Name, shapes[target.Name]));
                    break;
                case Statement.Data data:
                    foreach (var target in data.Leaves.SelectMany(targets => targets))
                        if (defined.Add(target.Name)) lowering.Define(target.Name, _data.Lower(target.Name, builder));
                    break;
                case Statement.Let let:
                    lowering.Define(let.Name, lowering.Lower(let.Value));
                    break;
                case Statement.Loss loss:
                    var value = lowering.Lower(loss.Value);
                    if (value.Shape.Rank > 0 && value.Shape.Count > 1) throw _errors.LossNotScalar(loss.Place, value.Shape);
                    builder.Output("loss", builder.Reshape(value, Shape.Scalar));
                    break;
            }
        }

        return builder.Build();
    }
}
