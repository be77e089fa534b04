namespace Tiebreak.Formats;

/// <summary>An opened model file, which can be turned into a <see cref="Model"/> at any sizes of its free dimensions.</summary>
public interface IModelFile : IDisposable
{
    /// <summary><c>formula</c>, <c>onnx</c> or <c>safetensors</c>.</summary>
    string Format { get; }

    /// <summary>Every file that was read so far, the model's own first.</summary>
    IReadOnlyList<string> Files { get; }

    /// <summary>What is the model as a whole, and what a new one of its kind would be: a file, or the folder of a checkpoint.</summary>
    string Whole => Files[0];

    /// <summary>Names of the dimensions the file leaves free, in order of appearance; empty when all sizes are fixed.</summary>
    IReadOnlyList<string> FreeDims { get; }

    /// <summary>What data must supply, in the file's order.</summary>
    IReadOnlyList<DataInput> Inputs { get; }

    /// <summary>Elements of two inputs that the file declares always equal.</summary>
    IReadOnlyList<EqualData> EqualData => [];

    /// <summary>Builds the model at the given sizes.</summary>
    /// <exception cref="TiebreakException">The file means nothing at these sizes, or uses what is not supported; names the node and the remedy.</exception>
    Model Lower(LoweringOptions options);

    /// <summary>The format that numbers of a tensor are stored in; null where they are written as exact decimals.</summary>
    FloatFormat? StoredAs(string tensor) => null;

    /// <summary>Writes a model of the same kind that differs in nothing but the changes, with the files it needs beside it.</summary>
    /// <param name="files">Where to; the caller keeps them.</param>
    /// <param name="changes">What is to be different.</param>
    /// <exception cref="TiebreakException">A tensor cannot be changed where it stands, or a file cannot be written; names it.</exception>
    void WriteChanged(StagedFiles files, ModelChanges changes) => throw new TiebreakException($"{Files[0]}: models of the kind {Format} cannot be written");

    /// <summary>Writes a smaller model of the same kind.</summary>
    /// <param name="files">Where to; the caller keeps them.</param>
    /// <param name="shrinking">What becomes of weights and axes.</param>
    /// <exception cref="TiebreakException">Something in the file cannot say the same with smaller axes; names it. Or a file cannot be written.</exception>
    void WriteShrunk(StagedFiles files, Shrinking shrinking) => throw new TiebreakException($"{Files[0]}: models of the kind {Format} cannot be made smaller; export the model as ONNX");
}

/// <summary>How a model file is turned into a program.</summary>
public sealed record LoweringOptions
{
    /// <summary>Sizes of free dimensions; every free one must be given.</summary>
    public IReadOnlyDictionary<string, int> Dims { get; init; } = new Dictionary<string, int>(StringComparer.Ordinal);

    /// <summary>Whether the sizes are those that data has, so that no larger ones are meant.</summary>
    public bool SizesAreOfData { get; init; }

    /// <summary>The batch size to use where the file fixes it (first axis of every input), or null to keep the file's.</summary>
    public int? Batch { get; init; }

    /// <summary>Whether batch normalisation uses the batch's statistics (training) or the stored ones.</summary>
    public bool BatchNormTraining { get; init; } = true;

    /// <summary>Whether active dropouts draw masks.</summary>
    public bool Dropout { get; init; } = true;

    /// <summary>Globs of tensors to train even if they would not be.</summary>
    public IReadOnlyList<string> Trainable { get; init; } = [];

    /// <summary>Globs of tensors not to train.</summary>
    public IReadOnlyList<string> Freeze { get; init; } = [];

    /// <summary>Globs of the outputs a loss sees; empty for all.</summary>
    public IReadOnlyList<string> Outputs { get; init; } = [];

    /// <summary>Inner tensors that some loss sees, too.</summary>
    public IReadOnlyList<string> AlsoOutputs { get; init; } = [];

    /// <summary>Operators to take as unknown functions of their operands, by type.</summary>
    public IReadOnlyList<string> Opaque { get; init; } = [];

    /// <summary>Where data decide between branches: whether the first is taken, in the order met; those beyond the list take it.</summary>
    public IReadOnlyList<bool> Branches { get; init; } = [];

    /// <summary>Whether outputs that hold no real numbers are made, too, where the program can make them: for comparisons, since no loss sees them.</summary>
    internal bool WholeOutputs { get; init; }

    /// <summary>Whether weights that are not trained are parameters of the program, too, so that whoever changes the model finds them; they are the model's frozen ones.</summary>
    internal bool NamedWeights { get; init; }

    /// <summary>Whether the model's single scalar output is the loss.</summary>
    public bool OutputIsLoss { get; init; }
}

/// <summary>One thing that data must supply.</summary>
/// <param name="Name">The input's or leaf's name.</param>
/// <param name="Dims">Its sizes; those that are free have a name.</param>
/// <param name="HasSampleAxis">Whether the first axis runs over samples.</param>
/// <param name="IsInteger">Whether it holds whole numbers, as indices do.</param>
public sealed record DataInput(string Name, IReadOnlyList<DataDim> Dims, bool HasSampleAxis, bool IsInteger)
{
    /// <summary>The sizes of what one sample supplies.</summary>
    public IReadOnlyList<DataDim> SampleDims => HasSampleAxis ? [.. Dims.Skip(1)] : Dims;
}

/// <summary>Two elements of data that a file declares always equal.</summary>
/// <param name="One">An input.</param>
/// <param name="Index">The element in it, row-major.</param>
/// <param name="Other">The other input, or the same.</param>
/// <param name="OtherIndex">The element in that.</param>
public readonly record struct EqualData(string One, int Index, string Other, int OtherIndex);

/// <summary>A size: fixed, or free under a name.</summary>
/// <param name="Size">The size; 0 when it is free.</param>
/// <param name="FreeName">The name of a free size; null for a fixed one.</param>
public readonly record struct DataDim(int Size, string? FreeName);
