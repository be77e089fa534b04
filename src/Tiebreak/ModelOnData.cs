using Tiebreak.Formats;
using Tiebreak.Formats.Tables;
using Tiebreak.Programs;
using Tiebreak.Refinement;

namespace Tiebreak;

/// <summary>A model and a table put together: the model of one sample (or of a batch, where samples see each other), and the samples for its data leaves.</summary>
public sealed class ModelOnData : IDisposable
{
    readonly IModelFile? _file; // null if somebody else disposes of it
    readonly Table _table;

    ModelOnData(IModelFile? file, Table table, Model model, DataSet samples) => (_file, _table, Model, Samples) = (file, table, model, samples);

    /// <summary>The model as one run of its program: a single sample, or <see cref="DataSet.RowsPerRun"/> of them.</summary>
    public Model Model { get; }

    /// <summary>The samples.</summary>
    public DataSet Samples { get; }

    /// <summary>Reads a model and the table that the options name, and finds the columns of its data.</summary>
    /// <exception cref="TiebreakException">A file cannot be read, columns are missing, or sizes do not fit: what, where and what to do.</exception>
    public static ModelOnData Open(string path, CheckOptions options)
    {
        var file = Check.Open(path, options);
        try
        {
            return Of(file, options, isOwned: true);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _table.Dispose();
        _file?.Dispose();
    }

    /// <summary>The same for a file that is open, and disposed of with the result if that is to own it.</summary>
    internal static ModelOnData Of(IModelFile file, CheckOptions options, bool isOwned = false)
    {
        var table = TableFile.Open(options.Data ?? throw new ArgumentException("no table is named"));
        try
        {
            var (model, samples) = Bind(file, table, options);
            return new ModelOnData(isOwned ? file : null, table, model, samples);
        }
        catch
        {
            table.Dispose();
            throw;
        }
    }

    static (Model Model, DataSet Samples) Bind(IModelFile file, Table table, CheckOptions options)
    {
        var binding = new DataBinding(table, options.Map);
        binding.RequireKnown([.. file.Inputs.Select(input => input.Name), .. options.Loss is LossKind.MeanSquaredError or LossKind.CrossEntropy ? [NamedLoss.Target] : Array.Empty<string>()]);
        binding.Give(options.Dims);
        var inputs = new List<BoundInput>();
        var missing = new Dictionary<string, TiebreakException>(StringComparer.Ordinal);
        foreach (var input in file.Inputs)
        {
            try
            {
                inputs.Add(binding.Bind(input, file.Inputs.Count - 1));
            }
            catch (TiebreakException error)
            {
                missing.Add(input.Name, error); // no harm if the program does not read it
            }
        }

        var (model, rows) = Lower(file, options, binding.Dims, missing);
        foreach (var leaf in Leaves(model))
            if (missing.FirstOrDefault(entry => IsFor(leaf, entry.Key)).Value is { } error) throw error;
        if (Leaves(model).FirstOrDefault(leaf => leaf.Name == NamedLoss.Target) is { } target && model.OutputIsLoss && options.Loss is not LossKind.Outputs and not LossKind.Any)
        {
            var shape = model.Program.Nodes.First(node => node.Primitive is Primitive.Data data && data.Name == NamedLoss.Target).Shape;
            var numbers = shape.Count / rows;
            inputs.Add(binding.BindTarget(NamedLoss.Target, model.OutputNames[0], target.Kind == DataKind.Distribution ? numbers / shape[shape.Rank - 1] : numbers, numbers));
        }

        RequireEqual(file, table, inputs, options.Cancellation);
        return (model, new DataSet(table, model.Program, inputs, rows));
    }

    // What the model declares equal must be so in the table; a pass of its own, where both have columns.
    static void RequireEqual(IModelFile file, Table table, List<BoundInput> inputs, CancellationToken cancellation)
    {
        const int Rows = 4096;
        (int Field, int Index)? Column(string name, int index)
        {
            foreach (var field in inputs.Find(input => input.Name == name)?.Fields ?? [])
            {
                var width = (int)table.Fields[field].Shape.Count;
                if (index < width) return (field, index);
                index -= width;
            }

            return null;
        }

        var pairs = file.EqualData.Select(pair => (Pair: pair, One: Column(pair.One, pair.Index), Other: Column(pair.Other, pair.OtherIndex))).Where(pair => pair.One is not null && pair.Other is not null).ToArray();
        if (pairs.Length == 0) return;
        int[] fields = [.. pairs.SelectMany(pair => new[] { pair.One!.Value.Field, pair.Other!.Value.Field }).Distinct()];
        foreach (var block in table.Read(fields, Rows, cancellation))
        {
            foreach (var (pair, one, other) in pairs)
            {
                Numbers.Rational At((int Field, int Index) column, int row) => block.Values[Array.IndexOf(fields, column.Field)][row * table.Fields[column.Field].Shape.Count + column.Index];
                for (var row = 0; row < block.Rows; row++)
                    if (At(one!.Value, row) != At(other!.Value, row))
                        throw new TiebreakException($"{table.Path}: {table.PlaceOf(block.FirstRow + row)}: `{table.Fields[one.Value.Field].Name}` and `{table.Fields[other.Value.Field].Name}` differ, but the model declares `{pair.One}` and `{pair.Other}` always equal; correct the table, or declare them apart");
            }
        }
    }

    // One sample a run, unless samples see each other.
    static (Model Model, int Rows) Lower(IModelFile file, CheckOptions options, IReadOnlyDictionary<string, int> dims, Dictionary<string, TiebreakException> missing)
    {
        const int FewestTogether = 4;
        string[] free = [.. file.Inputs.Where(input => input.HasSampleAxis).Select(input => input.Dims[0].FreeName).OfType<string>().Distinct(StringComparer.Ordinal)];
        var fixedBatch = file.Inputs.Where(input => input.HasSampleAxis && input.Dims[0].FreeName is null).Select(input => input.Dims[0].Size).FirstOrDefault();
        var unknown = file.FreeDims.Where(name => !dims.ContainsKey(name) && !free.Contains(name, StringComparer.Ordinal)).ToArray();
        if (unknown.Length > 0)
            throw missing.Values.FirstOrDefault() ?? new TiebreakException($"the table does not decide the size `{unknown[0]}`; give it with --dim {unknown[0]}=SIZE");
        var lowering = Check.Lowering(options) with { Batch = null, SizesAreOfData = true };
        LoweringOptions At(int samples)
        {
            var sizes = dims.Where(dim => file.FreeDims.Contains(dim.Key, StringComparer.Ordinal)).ToDictionary(StringComparer.Ordinal);
            foreach (var name in free) sizes[name] = samples;
            return lowering with { Dims = sizes, Batch = fixedBatch > 0 && fixedBatch != samples ? samples : null };
        }

        if (file.Inputs.All(input => !input.HasSampleAxis)) return (file.Lower(lowering), 1);
        if (TryLower(file, At(1)) is not { } one)
        {
            if (fixedBatch <= 1) return (file.Lower(At(1)), 1); // for its error
            var whole = file.Lower(At(fixedBatch));
            return (whole with { Notes = [.. whole.Notes, $"the file fixes the batch at {fixedBatch} and cannot be read for one sample: {fixedBatch} rows at a time, in random order"] }, fixedBatch);
        }

        if (one.Branches.Count > 0)
            throw new TiebreakException($"data decide at `{one.Branches[0].Node}` which branch is taken, which --data cannot follow; leave --data out, or that part with --outputs");
        var two = TryLower(file, At(2));
        var seeEachOther = two is { HasBatchNorm: true } && options.BatchNormTraining;
        if (!seeEachOther && (two is null || SampleIndependence.Holds(two, new RefinementOptions { Seed = options.Seed, Cancellation = options.Cancellation }))) return (one, 1);
        var together = options.Batch ?? FewestTogether;
        var several = file.Lower(At(together));
        return (several with { Notes = [.. several.Notes, $"samples of a batch see each other, so there is no answer for each sample: random batches of {together} that cover all rows are used (--batch chooses another size)"] }, together);
    }

    static Model? TryLower(IModelFile file, LoweringOptions options)
    {
        try
        {
            return file.Lower(options);
        }
        catch (TiebreakException)
        {
            return null;
        }
    }

    static IEnumerable<Primitive.Data> Leaves(Model model) => model.Program.Nodes.Select(node => node.Primitive).OfType<Primitive.Data>();

    static bool IsFor(Primitive.Data leaf, string input) =>
        leaf.Name == input || (leaf.Kind == DataKind.Distribution && leaf.Name.StartsWith($"{input} among ", StringComparison.Ordinal));
}
