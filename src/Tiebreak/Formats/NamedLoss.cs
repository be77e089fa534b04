using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats;

/// <summary>A model file whose only output goes into a named loss: what the file makes plus the loss, whose target is one more data leaf.</summary>
sealed class NamedLoss(IModelFile file, string path, NamedLossKind kind) : IModelFile
{
    /// <summary>The leaf that holds the targets.</summary>
    public const string Target = "target";

    /// <inheritdoc/>
    public string Format => file.Format;

    /// <inheritdoc/>
    public IReadOnlyList<string> Files => file.Files;

    /// <inheritdoc/>
    public string Whole => file.Whole;

    /// <inheritdoc/>
    public IReadOnlyList<string> FreeDims => file.FreeDims;

    /// <inheritdoc/>
    public IReadOnlyList<DataInput> Inputs => file.Inputs;

    /// <inheritdoc/>
    public IReadOnlyList<EqualData> EqualData => file.EqualData;

    /// <summary>The axis of an output that runs over classes: the last one, or the second of images, as in PyTorch.</summary>
    public static int ClassAxis(int rank) => rank == 4 ? 1 : rank - 1;

    /// <inheritdoc/>
    public Model Lower(LoweringOptions options)
    {
        var model = file.Lower(options);
        if (model.OutputIsLoss) throw new TiebreakException($"{path}: a formula is its own loss; leave --loss out");
        if (model.Program.Outputs.Count != 1)
            throw new TiebreakException($"{path}: a named loss is of one output; choose it with --outputs: {string.Join(", ", model.OutputNames.Select(name => $"`{name}`"))}");
        if (file.Inputs.Any(input => input.Name == Target))
            throw new TiebreakException($"{path}: the model has an input `{Target}` of its own, so its loss seems to be inside; use --loss outputs");
        var (name, output) = model.Program.Outputs[0];
        var builder = new ProgramBuilder(model.Program.Nodes) { Origin = kind == NamedLossKind.MeanSquaredError ? "--loss mse" : "--loss cross-entropy" };
        builder.Output("loss", kind == NamedLossKind.MeanSquaredError ? MeanSquaredError(builder, output) : CrossEntropy(builder, output, name));
        return model with { Program = builder.Build(), OutputIsLoss = true, OutputNames = model.OutputNames };
    }

    /// <inheritdoc/>
    public FloatFormat? StoredAs(string tensor) => file.StoredAs(tensor);

    /// <inheritdoc/>
    public void WriteChanged(StagedFiles files, ModelChanges changes) => file.WriteChanged(files, changes);

    /// <inheritdoc/>
    public void WriteShrunk(StagedFiles files, Shrinking shrinking) => file.WriteShrunk(files, shrinking);

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    // Means are taken within a sample; samples, along the first axis, are summed.
    static Node MeanSquaredError(ProgramBuilder builder, Node output)
    {
        var difference = builder.Subtract(output, builder.Data(Target, output.Shape));
        return Mean(builder, builder.Multiply(difference, difference));
    }

    Node CrossEntropy(ProgramBuilder builder, Node output, string name)
    {
        var shape = output.Shape;
        if (shape.Rank == 0 || shape[ClassAxis(shape.Rank)] < 2)
            throw new TiebreakException($"{path}: --loss cross-entropy needs an output with an axis of two or more classes, and `{name}` has the shape {shape}; use --loss mse, or let the model give scores for all classes");
        var axis = ClassAxis(shape.Rank);
        int[] last = [.. Enumerable.Range(0, shape.Rank).Where(other => other != axis), axis];
        var scores = builder.Transpose(output, last);
        var places = scores.Shape.Rank - 1;
        var target = builder.Data(Target, scores.Shape, DataKind.Distribution);
        var total = builder.Apply(FunctionKind.Log, builder.ReduceSum(builder.Apply(FunctionKind.Exp, scores), places));
        var logarithms = builder.Subtract(scores, builder.Broadcast(total, scores.Shape, places));
        return Mean(builder, builder.Negate(builder.ReduceSum(builder.Multiply(target, logarithms), places)));
    }

    static Node Mean(ProgramBuilder builder, Node values)
    {
        var samples = values.Shape.Rank > 0 ? values.Shape[0] : 1;
        return builder.Scale(builder.ReduceSum(values, [.. Enumerable.Range(0, values.Shape.Rank)]), new Rational(samples, values.Shape.Count));
    }
}

/// <summary>A loss that is not in the file.</summary>
enum NamedLossKind
{
    /// <summary>Mean squared error.</summary>
    MeanSquaredError,

    /// <summary>Cross-entropy of scores.</summary>
    CrossEntropy,
}
